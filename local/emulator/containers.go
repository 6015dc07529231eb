package emulator

import (
	"net/http"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/policy"
)

// defaultThroughput is what a container gets that asks for none in a database without throughput to share.
const defaultThroughput = 400

// ruPerPartition is what one physical partition can serve, in RU/s.
const ruPerPartition = 10000

func (c *call) serveContainers() error {
	if err := c.enter(nil, ""); err != nil {
		return err
	}
	db, err := c.e.engine.Database(c.route.database)
	if err != nil {
		return err
	}
	switch {
	case c.route.feed && (isQuery(c.header) || c.method == http.MethodGet):
		return c.listContainers(db)
	case c.route.feed && c.method == http.MethodPost:
		return c.createContainer(db)
	case c.route.feed:
		return methodNotAllowed()
	}
	container, err := c.e.engine.Container(db.ID, c.route.container)
	if err != nil {
		return err
	}
	c.out.set(hAltContentPath, "dbs/"+db.ID)
	switch c.method {
	case http.MethodGet:
		c.out.set(hResourceQuota, "documentSize=10240;documentsSize=10485760;documentsCount=-1;collectionSize=10485760;")
		return c.answerContainer(http.StatusOK, container.Info())
	case http.MethodPut:
		return c.replaceContainer(db)
	case http.MethodDelete:
		if err := c.e.engine.DeleteContainer(db.ID, c.route.container, first(c.header, hIfMatch)); err != nil {
			return err
		}
		c.e.policies.forget(container.Info().RID)
		c.charge = metaWrite
		return c.respond(http.StatusNoContent, nil)
	}
	return methodNotAllowed()
}

func (c *call) createContainer(db engine.Database) error {
	if _, err := policy.Parse(c.body); err != nil {
		return badRequest("%v", err)
	}
	offer, err := c.askedThroughput()
	if err != nil {
		return err
	}
	if _, shared := c.e.engine.OfferOf(db.RID); offer == nil && !shared {
		offer = &engine.Throughput{Manual: defaultThroughput}
	}
	o := engine.ContainerOptions{Partitions: c.e.opts.Partitions, Offer: offer}
	if o.Partitions == 0 && offer != nil {
		o.Partitions = (max(offer.Manual, offer.AutoscaleMax, 1) + ruPerPartition - 1) / ruPerPartition
	}
	container, err := c.e.engine.CreateContainer(db.ID, c.body, o)
	if err != nil {
		return err
	}
	c.charge = metaWrite
	return c.answerContainer(http.StatusCreated, container.Info())
}

func (c *call) replaceContainer(db engine.Database) error {
	if _, err := policy.Parse(c.body); err != nil {
		return badRequest("%v", err)
	}
	container, err := c.e.engine.ReplaceContainer(db.ID, c.route.container, c.body, first(c.header, hIfMatch))
	if err != nil {
		return err
	}
	c.charge = metaWrite
	return c.answerContainer(http.StatusOK, container.Info())
}

func (c *call) listContainers(db engine.Database) error {
	containers, err := c.e.engine.Containers(db.ID)
	if err != nil {
		return err
	}
	var docs [][]byte
	for _, container := range containers {
		docs = append(docs, container.Info().JSON())
	}
	return c.answerList(db.RID, "DocumentCollections", docs)
}

func (c *call) answerContainer(status int, info *engine.ContainerInfo) error {
	return c.answerResource(status, info.ETag, info.JSON())
}
