package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// Throughput is what an offer grants: exactly one of the two is set. Units are RU/s.
type Throughput struct {
	Manual       int `json:",omitempty"` // provisioned RU/s, 400 or more in steps of 100
	AutoscaleMax int `json:",omitempty"` // maximum RU/s of autoscale, 1000 or more in steps of 1000
}

// Offer is the throughput of one database or container. ID and RID are equal.
type Offer struct {
	Resource
	ResourceRID  string // of the database or the container it belongs to
	ResourceLink string // its _self
	Throughput   Throughput
}

// JSON is the offer as the service shows it.
func (o Offer) JSON() []byte {
	content := map[string]any{"offerThroughput": o.Throughput.Manual, "offerIsRUPerMinuteThroughputEnabled": false}
	if most := o.Throughput.AutoscaleMax; most > 0 {
		content["offerThroughput"] = most / 10
		content["offerAutopilotSettings"] = map[string]int{"maxThroughput": most}
	}
	return mustJSON(struct {
		Resource
		Version string         `json:"offerVersion"`
		Type    string         `json:"offerType"`
		Content map[string]any `json:"content"`
		Link    string         `json:"resource"`
		RID     string         `json:"offerResourceId"`
	}{o.Resource, "V2", "Invalid", content, o.ResourceLink, o.ResourceRID})
}

func (t Throughput) check() error {
	m, a := t.Manual, t.AutoscaleMax
	switch {
	case (m == 0) == (a == 0):
		return badRequest("throughput is either manual or autoscale, and not zero")
	case m != 0 && (m < 400 || m%100 != 0):
		return badRequest("manual throughput is at least 400 RU/s in steps of 100, not %d", m)
	case a != 0 && (a < 1000 || a%1000 != 0):
		return badRequest("autoscale throughput is at least 1000 RU/s in steps of 1000, not %d", a)
	}
	return nil
}

// offer is an Offer as stored.
type offer struct {
	Num     uint32
	Version uint64
	Offer
}

// addOffer puts the offer of a new resource into its batch; nil when it has none.
func (e *Engine) addOffer(b *pebble.Batch, next *counters, r *Resource, t *Throughput) (*offer, error) {
	if t == nil {
		return nil, nil
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	next.Offer++
	rid := ridText(offerRID(next.Offer, e.opts.Seed))
	o := &offer{Num: next.Offer, Version: 1, Offer: Offer{ResourceRID: r.RID, ResourceLink: r.Self, Throughput: *t}}
	o.Resource = Resource{ID: rid, RID: rid, Self: "offers/" + rid + "/", ETag: metaETag(o.Num, 1, r.TS), TS: r.TS}
	return o, setJSON(b, metaKey(metaOffer, o.Num), o)
}

func (e *Engine) keepOffer(o *offer) {
	if o != nil {
		e.offers[o.Num] = o
	}
}

func (e *Engine) loadOffer(value []byte) error {
	var o offer
	if err := json.Unmarshal(value, &o); err != nil {
		return err
	}
	e.keepOffer(&o)
	return nil
}

func (e *Engine) deleteOffers(b *pebble.Batch, resources []string) error {
	for _, o := range e.offers {
		if slices.Contains(resources, o.ResourceRID) {
			if err := b.Delete(metaKey(metaOffer, o.Num), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) forgetOffers(resources []string) {
	for num, o := range e.offers {
		if slices.Contains(resources, o.ResourceRID) {
			delete(e.offers, num)
		}
	}
}

// Offers lists all offers, by id.
func (e *Engine) Offers() []Offer {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]Offer, 0, len(e.offers))
	for _, o := range e.offers {
		out = append(out, o.Offer)
	}
	slices.SortFunc(out, func(a, b Offer) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Offer finds an offer by its id, in any case of letters: 404.
func (e *Engine) Offer(id string) (Offer, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	o, err := e.findOffer(id)
	if err != nil {
		return Offer{}, err
	}
	return o.Offer, nil
}

// findOffer needs e.mu.
func (e *Engine) findOffer(id string) (*offer, error) {
	var found *offer
	for _, o := range e.offers {
		if o.ID == id {
			return o, nil
		}
		if strings.EqualFold(o.ID, id) {
			found = o
		}
	}
	if found == nil {
		return nil, errMissing()
	}
	return found, nil
}

// OfferOf finds the offer of a database or container by that resource's RID; false when it has none.
func (e *Engine) OfferOf(resourceRID string) (Offer, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, o := range e.offers {
		if o.ResourceRID == resourceRID {
			return o.Offer, true
		}
	}
	return Offer{}, false
}

// ReplaceOffer changes the throughput: 400, 404, 412.
func (e *Engine) ReplaceOffer(id string, t Throughput, ifMatch string) (Offer, error) {
	if err := e.gate.enter(); err != nil {
		return Offer{}, err
	}
	defer e.gate.leave()
	if err := t.check(); err != nil {
		return Offer{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	old, err := e.findOffer(id)
	if err != nil {
		return Offer{}, err
	}
	if ifMatch != "" && !sameETag(ifMatch, old.ETag) {
		return Offer{}, errPrecondition()
	}
	o := *old
	o.Throughput, o.TS, o.Version = t, e.Now().Unix(), old.Version+1
	o.ETag = metaETag(o.Num, o.Version, o.TS)
	b := e.db.NewBatch()
	defer drop(b)
	if err := setJSON(b, metaKey(metaOffer, o.Num), &o); err != nil {
		return Offer{}, err
	}
	if err := e.commit(b); err != nil {
		return Offer{}, fmt.Errorf("engine: replace an offer: %w", err)
	}
	e.offers[o.Num] = &o
	return o.Offer, nil
}
