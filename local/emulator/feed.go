package emulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/epk"
)

// readFeed reads a page of the change feed, latest version mode. Its ETag is the continuation, 304 means that nothing changed.
func (c *call) readFeed(container *engine.Container) error {
	o, err := c.feedOptions()
	if err != nil {
		return err
	}
	payer := o.Range
	if payer == "" && o.Key != nil {
		payer = c.paying(container, o.Key)
	}
	if err := c.enter(container, payer); err != nil {
		return err
	}
	page, err := container.Feed(o)
	if err != nil {
		return err
	}
	c.out.set(hEtag, `"`+strconv.FormatUint(page.LSN, 10)+`"`)
	c.atPosition(engine.Position{Range: page.Range, LSN: page.RangeLSN})
	if len(page.Items) == 0 {
		c.charge = missCharge
		return c.respond(http.StatusNotModified, nil)
	}
	size := 0
	docs := make([][]byte, len(page.Items))
	for i := range page.Items {
		docs[i] = page.Items[i].Body
		size += len(docs[i])
	}
	c.charge = feedCharge(len(docs), size)
	c.out.setInt(hItemCount, int64(len(docs)))
	return c.respond(http.StatusOK, feedBody(container.Info().RID, "Documents", docs))
}

func (c *call) feedOptions() (engine.FeedOptions, error) {
	o := engine.FeedOptions{Range: first(c.header, hRangeID), Min: first(c.header, hStartEPK), Max: first(c.header, hEndEPK)}
	var err error
	if o.ReadOptions, err = c.readOptions(); err != nil {
		return o, err
	}
	if o.MaxItems, err = c.pageSize(0); err != nil {
		return o, err
	}
	if c.key = first(c.header, hPartitionKey); c.key != "" {
		if o.Key, err = epk.Parse([]byte(c.key)); err != nil {
			return o, badRequest("Partition key %s is invalid: %v", c.key, err)
		}
	}
	switch known := first(c.header, hIfNoneMatch); known {
	case "":
	case "*":
		o.FromNow = true
		return o, nil
	default:
		o.After, err = strconv.ParseUint(strings.Trim(known, `"`), 10, 64)
		if err != nil {
			return o, badRequest("If-None-Match %s is not a continuation of this change feed.", known)
		}
	}
	if since := first(c.header, hIfModifiedSince); since != "" {
		if o.Since, err = parseHTTPTime(since); err != nil {
			return o, badRequest("If-Modified-Since %q is not a date.", since)
		}
	}
	return o, nil
}

// parseHTTPTime reads a date with GMT, as HTTP has it, or with UTC, as the SDK writes it.
func parseHTTPTime(s string) (time.Time, error) {
	if t, err := http.ParseTime(s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC1123, s)
}

// pageSize reads x-ms-max-item-count; -1 or nothing is the default.
func (c *call) pageSize(byDefault int) (int, error) {
	given := first(c.header, hMaxItemCount)
	if given == "" || given == "-1" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 {
		return 0, badRequest("x-ms-max-item-count %q is neither -1 nor at least 1.", given)
	}
	return n, nil
}
