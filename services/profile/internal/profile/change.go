package profile

import (
	"encoding/json"
	"time"

	"supergame/services/platform/fault"
)

// change is a valid request to change a player: normalized values for the fields of the mask, and nothing else.
type change struct {
	mask        mask
	public      Profile
	private     Private
	publicETag  string // the versions that the caller saw; "" = any
	privateETag string
}

// newChange normalizes and checks the values that the mask names. Values it does not name are ignored.
func newChange(m mask, p Player) (change, error) {
	c := change{mask: m, publicETag: p.ETag}
	if p.Private != nil {
		c.privateETag = p.Private.ETag
		c.private = pick(m, *p.Private)
	}
	var err error
	if m.has(pathDisplayName) {
		if c.public.DisplayName, err = displayName(p.DisplayName); err != nil {
			return change{}, err
		}
	}
	if m.has(pathCountry) {
		if c.public.Country, err = country(p.Country); err != nil {
			return change{}, err
		}
	}
	if m.has(pathLanguages) {
		if c.public.Languages, err = languages(p.Languages); err != nil {
			return change{}, err
		}
	}
	if m.has(pathAvatar) {
		c.public.Avatar = p.Avatar
	}
	return c, nil
}

func pick(m mask, p Private) Private {
	var picked Private
	if m.has(pathSettings) {
		picked.Settings = p.Settings
	}
	if m.has(pathFlags) {
		picked.Flags = p.Flags
	}
	return picked
}

// content is what the change asks for, in a stable encoding: two requests with the same content are the same request. The
// versions are no part of it, as a caller who repeats a request may have learned newer ones.
func (c change) content() []byte {
	b, err := json.Marshal(struct {
		Mask      mask
		Name      string
		Avatar    string
		Country   string
		Languages []string
		Settings  map[string]string
		Flags     map[string]bool
	}{
		c.mask, c.public.DisplayName, c.public.Avatar, c.public.Country, c.public.Languages, c.private.Settings, c.private.Flags,
	})
	if err != nil { // strings and booleans always encode
		panic(err)
	}
	return b
}

// check refuses a change that was made against another version than the stored one.
func (c change) check(p *Player) error {
	touches := c.mask.touches()
	if touches.Public && c.publicETag != "" && c.publicETag != p.ETag {
		return stale("profile.etag", p.ETag)
	}
	if touches.Private && c.privateETag != "" && c.privateETag != p.Private.ETag {
		return stale("profile.private.etag", p.Private.ETag)
	}
	return nil
}

func stale(field, current string) error {
	return fault.New(fault.Aborted, "ETAG_MISMATCH", "%s is not the version stored now: read the profile again", field).
		With("field", field).With("etag", current)
}

// apply changes the player and reports which parts are now different. A part that stays the same keeps its time.
func (c change) apply(p *Player, now time.Time) Parts {
	public := p.Profile
	if c.mask.has(pathDisplayName) {
		public.DisplayName = c.public.DisplayName
	}
	if c.mask.has(pathAvatar) {
		public.Avatar = c.public.Avatar
	}
	if c.mask.has(pathCountry) {
		public.Country = c.public.Country
	}
	if c.mask.has(pathLanguages) {
		public.Languages = c.public.Languages
	}
	changed := Parts{Public: !public.equal(&p.Profile)}
	if changed.Public {
		public.UpdateTime = later(p.UpdateTime, now)
		p.Profile = public
	}
	if p.Private != nil {
		changed.Private = c.applyPrivate(p.Private, now)
	}
	return changed
}

func (c change) applyPrivate(p *Private, now time.Time) bool {
	private := *p
	if c.mask.has(pathSettings) {
		private.Settings = c.private.Settings
	}
	if c.mask.has(pathFlags) {
		private.Flags = c.private.Flags
	}
	if private.equal(p) {
		return false
	}
	private.UpdateTime = later(p.UpdateTime, now)
	*p = private
	return true
}

// later keeps times from going back where the clocks of two replicas disagree.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
