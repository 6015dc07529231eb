package engine

import (
	"bytes"
	"fmt"
	"strings"
)

// ContainerInfo is a container's properties at one moment; it is immutable and shared, a replace makes a new one.
type ContainerInfo struct {
	Resource
	Database    string // id of the database
	DatabaseRID string
	Properties  ContainerProperties
	Given       []byte // the properties as the client gave them, without system properties
	json        []byte
}

// JSON is the container as the service shows it: everything given, plus defaults for what was not, plus system properties. It
// must not be changed.
func (i *ContainerInfo) JSON() []byte { return i.json }

func (c *Container) newInfo(database, databaseRID string, r *containerRecord) (*ContainerInfo, error) {
	p, given, err := parseProperties(r.Given)
	if err != nil {
		return nil, err
	}
	rid := ridText(c.rid)
	i := &ContainerInfo{Database: database, DatabaseRID: databaseRID, Properties: p, Given: given}
	i.Resource = Resource{
		ID: p.ID, RID: rid, Self: "dbs/" + databaseRID + "/colls/" + rid + "/", ETag: metaETag(r.Num, r.Version, r.TS), TS: r.TS,
	}
	i.json, err = i.render()
	return i, err
}

// containerDefaults are what the service shows when nothing was given.
var containerDefaults = []struct{ key, value string }{
	{"indexingPolicy", `{"indexingMode":"consistent","automatic":true,"includedPaths":[{"path":"/*"}],"excludedPaths":[{"path":"/\"_etag\"/?"}]}`},
	{"conflictResolutionPolicy", `{"mode":"LastWriterWins","conflictResolutionPath":"/_ts","conflictResolutionProcedure":""}`},
	{"geospatialConfig", `{"type":"Geography"}`},
}

func (i *ContainerInfo) render() ([]byte, error) {
	ms, err := members(nil, i.Given)
	if err != nil {
		return nil, badRequest("%s", err)
	}
	out := bytes.TrimRight(bytes.Clone(i.Given), " \t\r\n")
	out = out[:len(out)-1]
	for _, d := range containerDefaults {
		if find(ms, d.key) == nil {
			out = fmt.Appendf(out, `,"%s":%s`, d.key, d.value)
		}
	}
	etag := strings.ReplaceAll(i.ETag, `"`, `\"`)
	out = fmt.Appendf(out, `,"_rid":"%s","_ts":%d,"_self":"%s","_etag":"%s"`, i.RID, i.TS, i.Self, etag)
	return append(out, `,"_docs":"docs/","_sprocs":"sprocs/","_triggers":"triggers/","_udfs":"udfs/","_conflicts":"conflicts/"}`...), nil
}
