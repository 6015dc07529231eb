package cosmos

import (
	"strconv"
	"strings"
)

// vector is a session token of the service: "version#global" and, on accounts with several regions, "#region=local" for
// each. An older form is a single number.
type vector struct {
	version, global int64
	regions         []regionLSN
	single          bool
}

type regionLSN struct {
	region, lsn int64
}

func parseVector(token string) (vector, bool) {
	head, rest, several := strings.Cut(token, "#")
	first, err := strconv.ParseInt(head, 10, 64)
	if err != nil {
		return vector{}, false
	}
	if !several {
		return vector{global: first, single: true}, true
	}
	v := vector{version: first}
	for i := 0; rest != "" || i == 0; i++ {
		var part string
		part, rest, _ = strings.Cut(rest, "#")
		if i == 0 {
			if v.global, err = strconv.ParseInt(part, 10, 64); err != nil {
				return vector{}, false
			}
			continue
		}
		region, lsn, ok := strings.Cut(part, "=")
		r, errRegion := strconv.ParseInt(region, 10, 64)
		l, errLSN := strconv.ParseInt(lsn, 10, 64)
		if !ok || errRegion != nil || errLSN != nil {
			return vector{}, false
		}
		v.regions = append(v.regions, regionLSN{r, l})
	}
	return v, true
}

func (v vector) String() string {
	if v.single {
		return strconv.FormatInt(v.global, 10)
	}
	b := strconv.AppendInt(nil, v.version, 10)
	b = strconv.AppendInt(append(b, '#'), v.global, 10)
	for _, r := range v.regions {
		b = strconv.AppendInt(append(b, '#'), r.region, 10)
		b = strconv.AppendInt(append(b, '='), r.lsn, 10)
	}
	return string(b)
}

// newerToken merges two tokens of the same range: the higher version wins; within a version every part keeps its maximum.
// Tokens that cannot be compared give the one seen last.
func newerToken(known, seen string) string {
	a, okA := parseVector(known)
	b, okB := parseVector(seen)
	switch {
	case !okB && okA:
		return known
	case !okA || !okB || a.single != b.single:
		return seen
	case a.version != b.version:
		if a.version > b.version {
			return known
		}
		return seen
	}
	b.global = max(a.global, b.global)
	for _, r := range a.regions {
		b.raise(r)
	}
	return b.String()
}

// raise makes the vector at least as new as r in r's region.
func (v *vector) raise(r regionLSN) {
	for i := range v.regions {
		if v.regions[i].region == r.region {
			v.regions[i].lsn = max(v.regions[i].lsn, r.lsn)
			return
		}
	}
	v.regions = append(v.regions, r)
}
