package engine

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"

	"supergame/local/emulator/internal/epk"
)

// ContainerProperties is what the engine understands of a container's JSON; everything else is kept and echoed.
type ContainerProperties struct {
	ID         string
	Key        epk.Definition // partition key: paths, kind, version
	DefaultTTL int            // seconds; -1 = TTL on but no default; 0 = TTL off, items never expire
	UniqueKeys [][][]string   // per unique key its paths, each split into segments
}

// givenProperties mirrors the JSON.
type givenProperties struct {
	ID           string `json:"id"`
	PartitionKey *struct {
		Paths   []string `json:"paths"`
		Kind    string   `json:"kind"`
		Version int      `json:"version"`
	} `json:"partitionKey"`
	DefaultTTL      *int64 `json:"defaultTtl"`
	UniqueKeyPolicy struct {
		UniqueKeys []struct {
			Paths []string `json:"paths"`
		} `json:"uniqueKeys"`
	} `json:"uniqueKeyPolicy"`
}

// parseProperties reads a container's JSON. given is the same text without system properties; a partition key without a version has
// one written into it, because clients hash by what they read there: 2, which every current SDK uses.
func parseProperties(body []byte) (p ContainerProperties, given []byte, err error) {
	ms, err := members(nil, body)
	if err != nil {
		return p, nil, badRequest("%s", err)
	}
	var g givenProperties
	if err := json.Unmarshal(body, &g); err != nil {
		return p, nil, badRequest("the container's properties cannot be read: %s", err)
	}
	if err := checkName(g.ID); err != nil {
		return p, nil, err
	}
	p.ID = g.ID
	if p.Key, err = g.definition(); err != nil {
		return p, nil, err
	}
	if g.DefaultTTL != nil {
		if t := *g.DefaultTTL; t == 0 || t < -1 || t > math.MaxInt32 {
			return p, nil, badRequest("defaultTtl must be -1 or between 1 and 2147483647, it is %d", t)
		}
		p.DefaultTTL = int(*g.DefaultTTL)
	}
	for _, u := range g.UniqueKeyPolicy.UniqueKeys {
		if len(u.Paths) == 0 {
			return p, nil, badRequest("a unique key has no paths")
		}
		paths, err := splitPaths(u.Paths)
		if err != nil {
			return p, nil, err
		}
		p.UniqueKeys = append(p.UniqueKeys, paths)
	}
	given = append(bytes.Clone(userPart(body, ms)), '}')
	if g.PartitionKey.Version == 0 {
		given = withVersion(given, p.Key.Version)
	}
	return p, given, nil
}

func (g *givenProperties) definition() (d epk.Definition, err error) {
	k := g.PartitionKey
	if k == nil || len(k.Paths) == 0 {
		return d, badRequest("the container has no partitionKey with paths")
	}
	if d.Paths, err = splitPaths(k.Paths); err != nil {
		return d, err
	}
	d.Hierarchical = k.Kind == "MultiHash"
	switch {
	case k.Kind != "" && k.Kind != "Hash" && !d.Hierarchical:
		return d, badRequest("the kind of a partitionKey is Hash or MultiHash, not %q", k.Kind)
	case !d.Hierarchical && len(k.Paths) > 1, len(k.Paths) > 3:
		return d, badRequest("a partitionKey has one path, with kind MultiHash up to three; here are %d", len(k.Paths))
	case k.Version < 0 || k.Version > 2 || d.Hierarchical && k.Version == 1:
		return d, badRequest("the version of a partitionKey is 1 or 2, with kind MultiHash 2; here it is %d", k.Version)
	}
	if d.Version = k.Version; d.Version == 0 {
		d.Version = 2
	}
	return d, nil
}

// withVersion writes the version into the partition key of the properties.
func withVersion(given []byte, version int) []byte {
	ms, err := members(nil, given)
	if err != nil {
		return given
	}
	for i := range ms {
		if string(ms[i].key) != "partitionKey" {
			continue
		}
		key, err := members(nil, ms[i].value)
		if err != nil {
			return given
		}
		out := append([]byte(nil), given[:ms[i].end-len(ms[i].value)]...)
		out = append(out, '{')
		for _, m := range key {
			if string(m.key) != "version" {
				out = append(append(out, ms[i].value[m.start:m.end]...), ',')
			}
		}
		out = append(out, `"version":`...)
		out = append(out, byte('0'+version), '}')
		return append(out, given[ms[i].end:]...)
	}
	return given
}

// splitPaths splits `/a/"b c"` into segments.
func splitPaths(paths []string) ([][]string, error) {
	out := make([][]string, len(paths))
	for i, path := range paths {
		if !strings.HasPrefix(path, "/") || len(path) < 2 {
			return nil, badRequest("the path %q does not begin with / and a name", path)
		}
		for _, s := range strings.Split(path[1:], "/") {
			if n := len(s); n > 1 && s[0] == '"' && s[n-1] == '"' {
				s = s[1 : n-1]
			}
			if s == "" {
				return nil, badRequest("the path %q has an empty segment", path)
			}
			out[i] = append(out[i], s)
		}
	}
	return out, nil
}

// sameIdentity tells whether a replace keeps what cannot change.
func (p *ContainerProperties) sameIdentity(o *ContainerProperties) bool {
	return p.ID == o.ID && p.Key.Hierarchical == o.Key.Hierarchical && p.Key.Version == o.Key.Version &&
		samePaths(p.Key.Paths, o.Key.Paths) && sameKeys(p.UniqueKeys, o.UniqueKeys)
}

func sameKeys(a, b [][][]string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !samePaths(a[i], b[i]) {
			return false
		}
	}
	return true
}

func samePaths(a, b [][]string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if strings.Join(a[i], "\x00") != strings.Join(b[i], "\x00") {
			return false
		}
	}
	return true
}
