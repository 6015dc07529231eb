package cosmosstore

import (
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/profile"
)

// The documents of one player, in partition playerId of container players.
//
// The document live is there as long as the player is: an erase deletes it first, and every batch that creates a document in
// the partition begins by reading it, or creates it. So a write that was paused while the erase went by creates nothing.
const (
	idLive    = "live"
	idProfile = "profile"
	idPrivate = "private"
)

// schemaVersion is what this program writes, for every type of document.
const schemaVersion = 1

type liveDoc struct {
	cosmos.Header
	PlayerID string  `json:"playerId"`
	JoinTime instant `json:"joinTime"`
}

// profileDoc is the public part. Filled to the brim it stays within 1 KB with the system's own properties, so that reading it costs one
// request unit; a test adds up the sizes. While a claim of a handle is open it may be larger.
type profileDoc struct {
	cosmos.Header
	PlayerID    string   `json:"playerId"`
	Handle      string   `json:"handle,omitempty"`
	DisplayName string   `json:"displayName,omitempty"`
	Avatar      string   `json:"avatar,omitempty"`
	Country     string   `json:"country,omitempty"`
	Languages   []string `json:"languages,omitempty"`
	JoinTime    instant  `json:"joinTime"`
	UpdateTime  instant  `json:"updateTime"`
	Suspended   bool     `json:"suspended,omitempty"`

	Claims int64     `json:"claims,omitempty"` // the number of the player's last claim of a handle
	Claim  *claimDoc `json:"claim,omitempty"`  // that one, while it is open
	Due    int64     `json:"due,omitempty"`    // when it is looked after, seconds since 1970; indexed
}

// claimDoc is what is left to do about a claim of a handle.
type claimDoc struct {
	State   string `json:"state"`
	Name    string `json:"name"`
	Request string `json:"request,omitempty"` // the id of the operation that began it, which is forgotten when the claim is undone
}

type privateDoc struct {
	cosmos.Header
	PlayerID   string            `json:"playerId"`
	Settings   map[string]string `json:"settings,omitempty"`
	Flags      map[string]bool   `json:"flags,omitempty"`
	UpdateTime instant           `json:"updateTime"`
}

func (d *profileDoc) profile() profile.Profile {
	return profile.Profile{
		PlayerID: d.PlayerID, Handle: d.Handle, DisplayName: d.DisplayName, Avatar: d.Avatar, Country: d.Country, Languages: d.Languages,
		JoinTime: time.Time(d.JoinTime), UpdateTime: time.Time(d.UpdateTime), ETag: d.ETag,
		Suspended: d.Suspended,
	}
}

// set takes what an update of a profile may change; the handle is none of that.
func (d *profileDoc) set(p profile.Profile) {
	d.PlayerID, d.DisplayName, d.Avatar, d.Country, d.Languages = p.PlayerID, p.DisplayName, p.Avatar, p.Country, p.Languages
	d.JoinTime, d.UpdateTime = instant(p.JoinTime), instant(p.UpdateTime)
	d.Suspended = p.Suspended
}

func (d *privateDoc) private() *profile.Private {
	return &profile.Private{Settings: d.Settings, Flags: d.Flags, UpdateTime: time.Time(d.UpdateTime), ETag: d.ETag}
}

func (d *privateDoc) set(p *profile.Private) {
	d.Settings, d.Flags, d.UpdateTime = p.Settings, p.Flags, instant(p.UpdateTime)
}

// instant is a time as it is stored: UTC with milliseconds, always of the same width so that texts sort as times do.
type instant time.Time

const instantLayout = "2006-01-02T15:04:05.000Z"

// MarshalText gives the stored form.
func (i instant) MarshalText() ([]byte, error) {
	return time.Time(i).UTC().AppendFormat(nil, instantLayout), nil
}

// UnmarshalText reads the stored form, and any other of RFC 3339.
func (i *instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	*i = instant(t.UTC())
	return err
}
