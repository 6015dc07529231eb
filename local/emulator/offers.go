package emulator

import (
	"encoding/json"
	"net/http"

	"supergame/local/emulator/internal/engine"
)

type autoscaleSettings struct {
	MaxThroughput int `json:"maxThroughput"`
}

func (c *call) serveOffers() error {
	if err := c.enter(nil, ""); err != nil {
		return err
	}
	if c.route.feed {
		if !isQuery(c.header) && c.method != http.MethodGet {
			return methodNotAllowed()
		}
		var docs [][]byte
		for _, offer := range c.e.engine.Offers() {
			docs = append(docs, offer.JSON())
		}
		return c.answerList("", "Offers", docs)
	}
	switch c.method {
	case http.MethodGet:
		offer, err := c.e.engine.Offer(c.route.id)
		if err != nil {
			return err
		}
		return c.answerOffer(offer)
	case http.MethodPut:
		return c.replaceOffer()
	}
	return methodNotAllowed()
}

func (c *call) replaceOffer() error {
	var body struct {
		Content struct {
			Throughput *int               `json:"offerThroughput"`
			Autoscale  *autoscaleSettings `json:"offerAutopilotSettings"`
		} `json:"content"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return badRequest("The offer is not a JSON object: %v", err)
	}
	var t engine.Throughput
	switch {
	case body.Content.Autoscale != nil:
		t.AutoscaleMax = body.Content.Autoscale.MaxThroughput
	case body.Content.Throughput != nil:
		t.Manual = *body.Content.Throughput
	default:
		return badRequest("The offer has neither offerThroughput nor offerAutopilotSettings.")
	}
	if r := checkThroughput(t); r != nil {
		return r
	}
	old, err := c.e.engine.Offer(c.route.id)
	if err != nil {
		return err
	}
	if (old.Throughput.Manual > 0) != (t.Manual > 0) {
		return badRequest("Throughput cannot change between manual and autoscale by a replace of the offer.")
	}
	offer, err := c.e.engine.ReplaceOffer(c.route.id, t, first(c.header, hIfMatch))
	if err != nil {
		return err
	}
	c.charge = metaWrite
	return c.answerOffer(offer)
}

func (c *call) answerOffer(offer engine.Offer) error {
	c.out.set(hOfferPending, "false")
	if offer.Throughput.AutoscaleMax > 0 {
		c.out.set(hMinThroughput, "1000")
	} else {
		c.out.set(hMinThroughput, "400")
	}
	return c.answerResource(http.StatusOK, offer.ETag, offer.JSON())
}

// checkThroughput says what the service would say about a number of RU/s.
func checkThroughput(t engine.Throughput) *refusal {
	switch {
	case t.AutoscaleMax != 0 && (t.AutoscaleMax < 1000 || t.AutoscaleMax%1000 != 0):
		return badRequest("The autoscale maximum %d must be at least 1000 and a multiple of 1000.", t.AutoscaleMax)
	case t.AutoscaleMax == 0 && (t.Manual < 400 || t.Manual%100 != 0):
		return badRequest("The throughput %d must be at least 400 and a multiple of 100.", t.Manual)
	case max(t.Manual, t.AutoscaleMax) > 1_000_000:
		return badRequest("The throughput must not be more than 1000000 RU/s.")
	}
	return nil
}
