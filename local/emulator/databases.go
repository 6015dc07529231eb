package emulator

import (
	"encoding/json"
	"net/http"
	"strconv"

	"supergame/local/emulator/internal/engine"
)

func (c *call) serveDatabases() error {
	if err := c.enter(nil, ""); err != nil {
		return err
	}
	switch {
	case c.route.feed && (isQuery(c.header) || c.method == http.MethodGet):
		return c.listDatabases()
	case c.route.feed && c.method == http.MethodPost:
		return c.createDatabase()
	case !c.route.feed && c.method == http.MethodGet:
		db, err := c.e.engine.Database(c.route.database)
		if err != nil {
			return err
		}
		return c.answerResource(http.StatusOK, db.ETag, db.JSON())
	case !c.route.feed && c.method == http.MethodDelete:
		db, err := c.e.engine.Database(c.route.database)
		if err != nil {
			return err
		}
		if err := c.e.engine.DeleteDatabase(db.ID, first(c.header, hIfMatch)); err != nil {
			return err
		}
		c.charge = metaWrite
		return c.respond(http.StatusNoContent, nil)
	}
	return methodNotAllowed()
}

func (c *call) createDatabase() error {
	var body struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return badRequest("The database is not a JSON object: %v", err)
	}
	offer, err := c.askedThroughput()
	if err != nil {
		return err
	}
	db, err := c.e.engine.CreateDatabase(body.ID, offer)
	if err != nil {
		return err
	}
	c.charge = metaWrite
	return c.answerResource(http.StatusCreated, db.ETag, db.JSON())
}

func (c *call) listDatabases() error {
	databases := c.e.engine.Databases()
	docs := make([][]byte, len(databases))
	for i, db := range databases {
		docs[i] = db.JSON()
	}
	return c.answerList("", "Databases", docs)
}

// answerResource answers with a database, container or offer, or with 304 when the client has it.
func (c *call) answerResource(status int, etag string, body []byte) error {
	c.out.set(hEtag, etag)
	if c.charge == 0 {
		c.charge = metaCharge
	}
	if known := first(c.header, hIfNoneMatch); known != "" && known == etag && c.method == http.MethodGet {
		return c.respond(http.StatusNotModified, nil)
	}
	return c.respond(status, body)
}

// answerList answers with resources, all of them or those that a query selects.
func (c *call) answerList(rid, name string, docs [][]byte) error {
	c.charge = metaCharge
	if isQuery(c.header) {
		rows, err := c.queryResources(docs)
		if err != nil {
			return err
		}
		docs = rows
	}
	c.out.setInt(hItemCount, int64(len(docs)))
	return c.respond(http.StatusOK, feedBody(rid, name, docs))
}

// askedThroughput reads the offer headers of a create; nil when it asks for none.
func (c *call) askedThroughput() (*engine.Throughput, error) {
	manual, autoscale := first(c.header, hOfferThroughput), first(c.header, hOfferAutoscale)
	switch {
	case manual != "" && autoscale != "":
		return nil, badRequest("Only one of x-ms-offer-throughput and x-ms-cosmos-offer-autopilot-settings may be given.")
	case manual != "":
		ru, err := strconv.Atoi(manual)
		if err != nil {
			return nil, badRequest("x-ms-offer-throughput is not a number: %q", manual)
		}
		t := engine.Throughput{Manual: ru}
		return &t, asError(checkThroughput(t))
	case autoscale != "":
		var settings autoscaleSettings
		if err := json.Unmarshal([]byte(autoscale), &settings); err != nil {
			return nil, badRequest("x-ms-cosmos-offer-autopilot-settings is not JSON: %v", err)
		}
		t := engine.Throughput{AutoscaleMax: settings.MaxThroughput}
		return &t, asError(checkThroughput(t))
	}
	return nil, nil
}

// asError keeps a nil refusal from becoming an error that is not nil.
func asError(r *refusal) error {
	if r == nil {
		return nil
	}
	return r
}
