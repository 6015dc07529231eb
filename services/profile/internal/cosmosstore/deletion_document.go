package cosmosstore

import (
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/erasure"
)

// deletionDoc has no time to live: it is found by for ever.
type deletionDoc struct {
	cosmos.Header
	Partition    string           `json:"playerId"`          // says nothing about the player
	Player       string           `json:"subject,omitempty"` // his id, until the end
	State        string           `json:"state"`
	Requester    string           `json:"requester"`
	CreateTime   instant          `json:"createTime"`
	UpdateTime   instant          `json:"updateTime"`
	RevokeTime   *instant         `json:"revokeTime,omitempty"`
	CertifyTime  *instant         `json:"certifyTime,omitempty"`
	Participants []participantDoc `json:"participants,omitempty"`
	Reapplied    int              `json:"reapplied,omitempty"`
	Due          int64            `json:"due"` // dueNever at the end
	DueTime      *instant         `json:"dueTime,omitempty"`
}

type participantDoc struct {
	Service   string     `json:"service"`
	Done      bool       `json:"done,omitempty"`
	Stores    []sweptDoc `json:"stores,omitempty"`
	Failures  int        `json:"failures,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	RetryTime *instant   `json:"retryTime,omitempty"`
}

type sweptDoc struct {
	Container string  `json:"container"`
	Deleted   int64   `json:"deleted"`
	SweepTime instant `json:"sweepTime"`
	Until     instant `json:"tombstonesUntil,omitzero"`
}

// dueNever is the end of the year 9999: the document stays in the index of due, by which all deletions are listed.
const dueNever = 253402300799

var deletionStates = map[erasure.State]string{
	erasure.Revoking: "revoking", erasure.Erasing: "erasing", erasure.Erased: "erased", erasure.Certified: "certified", erasure.Final: "final",
}

func (d *deletionDoc) deletion() erasure.Deletion {
	out := erasure.Deletion{
		ID: d.ID[min(len(deletionPrefix), len(d.ID)):], PlayerID: d.Player, Requester: d.Requester, CreateTime: time.Time(d.CreateTime),
		UpdateTime: time.Time(d.UpdateTime), RevokeTime: moment(d.RevokeTime), CertifyTime: moment(d.CertifyTime), Due: moment(d.DueTime),
		Reapplied: d.Reapplied,
	}
	for state, name := range deletionStates {
		if name == d.State {
			out.State = state
		}
	}
	for _, p := range d.Participants {
		progress := erasure.Progress{Service: p.Service, Done: p.Done, Failures: p.Failures, Reason: p.Reason, RetryTime: moment(p.RetryTime)}
		for _, s := range p.Stores {
			progress.Stores = append(progress.Stores, erasure.Swept{Name: s.Container, Deleted: s.Deleted, SweepTime: time.Time(s.SweepTime), Until: time.Time(s.Until)})
		}
		out.Participants = append(out.Participants, progress)
	}
	return out
}

func (d *deletionDoc) set(from erasure.Deletion) {
	d.Player, d.State, d.Requester, d.Reapplied = from.PlayerID, deletionStates[from.State], from.Requester, from.Reapplied
	d.CreateTime, d.UpdateTime = instant(from.CreateTime), instant(from.UpdateTime)
	d.RevokeTime, d.CertifyTime, d.DueTime = orNone(from.RevokeTime), orNone(from.CertifyTime), orNone(from.Due)
	d.Due = dueNever
	if !from.Due.IsZero() {
		d.Due = from.Due.Add(time.Second - 1).Unix() // rounded up: what is found is due
	}
	d.Participants = nil
	for _, p := range from.Participants {
		doc := participantDoc{Service: p.Service, Done: p.Done, Failures: p.Failures, Reason: p.Reason, RetryTime: orNone(p.RetryTime)}
		for _, s := range p.Stores {
			doc.Stores = append(doc.Stores, sweptDoc{Container: s.Name, Deleted: s.Deleted, SweepTime: instant(s.SweepTime), Until: instant(s.Until)})
		}
		d.Participants = append(d.Participants, doc)
	}
}

// moment and orNone read and write a time that may be unset.
func moment(i *instant) time.Time {
	if i == nil {
		return time.Time{}
	}
	return time.Time(*i)
}

func orNone(t time.Time) *instant {
	if t.IsZero() {
		return nil
	}
	i := instant(t)
	return &i
}
