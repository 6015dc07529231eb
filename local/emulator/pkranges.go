package emulator

import (
	"net/http"

	"supergame/local/emulator/internal/engine"
)

// servePartitionKeyRanges lists the physical partitions. Read as a change feed it is drained to 304 by the ETag of the topology.
func (c *call) servePartitionKeyRanges() error {
	if err := c.enter(nil, ""); err != nil {
		return err
	}
	if c.method != http.MethodGet || !c.route.feed {
		return methodNotAllowed()
	}
	container, err := c.container()
	if err != nil {
		return err
	}
	c.charge = metaCharge
	topology := container.Topology()
	c.out.set(hEtag, topology)
	if first(c.header, hIfNoneMatch) == topology {
		return c.respond(http.StatusNotModified, nil)
	}
	ranges := container.Ranges()
	docs := make([][]byte, len(ranges))
	for i, r := range ranges {
		docs[i] = r.JSON()
	}
	c.out.setInt(hItemCount, int64(len(docs)))
	return c.respond(http.StatusOK, feedBody(container.Info().RID, "PartitionKeyRanges", docs))
}

// container finds the container of the route.
func (c *call) container() (*engine.Container, error) {
	return c.e.engine.Container(c.route.database, c.route.container)
}
