package moderation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Category is a kind of harm that an analyzer rates from 0, none, to 7.
type Category string

// The categories of Azure AI Content Safety.
const (
	Hate     Category = "Hate"
	SelfHarm Category = "SelfHarm"
	Sexual   Category = "Sexual"
	Violence Category = "Violence"
)

// Categories are all of them, the worst first.
var Categories = []Category{Hate, SelfHarm, Sexual, Violence}

// Then is what happens to a text that nobody rated.
type Then string

// What may happen.
const (
	ThenReview Then = "review" // it is accepted, and reviewed later
	ThenRefuse Then = "refuse" // the call fails with UNAVAILABLE
)

// Policy says what follows from an analysis.
type Policy struct {
	Refuse     Severities    // from which severity on a text is refused
	Review     Severities    // from which severity on it is accepted, and reviewed later
	Timeout    time.Duration // for the analyzer
	Unanswered Then
}

// Severities are thresholds by category. A category that is not there has none.
type Severities map[Category]int

// The severities that an analysis in four levels knows, besides 0.
const (
	lowSeverity  = 2
	highSeverity = 6
	stepSeverity = 2
)

// UnmarshalText reads "Hate=4,Sexual=6"; "off" is no threshold for any category.
func (s *Severities) UnmarshalText(text []byte) error {
	parsed := Severities{}
	if string(text) == "off" {
		*s = parsed
		return nil
	}
	for pair := range strings.SplitSeq(string(text), ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(pair), "=")
		category := Category(name)
		if !slices.Contains(Categories, category) {
			return fmt.Errorf("%q is not a category: they are %v", name, Categories)
		}
		if _, twice := parsed[category]; twice {
			return fmt.Errorf("%s stands there twice", name)
		}
		severity, err := strconv.Atoi(number)
		if err != nil || severity < lowSeverity || severity > highSeverity || severity%stepSeverity != 0 {
			return fmt.Errorf("%s=%s: a severity is 2, 4 or 6", name, number)
		}
		parsed[category] = severity
	}
	*s = parsed
	return nil
}

// Unreachable returns a category that would be refused before it is reviewed; "" when there is none.
func (p Policy) Unreachable() Category {
	for _, c := range Categories {
		if from, ok := p.Refuse[c]; ok && p.Review[c] >= from {
			return c
		}
	}
	return ""
}

// categories are those that have a threshold.
func (p Policy) categories() []Category {
	var list []Category
	for _, c := range Categories {
		if p.Refuse[c] > 0 || p.Review[c] > 0 {
			list = append(list, c)
		}
	}
	return list
}

// verdict is what becomes of a text.
type verdict struct {
	kind     int
	why      string
	severity int
}

// The kinds of verdict.
const (
	pass = iota
	review
	refuse
)

// judge gives the hardest verdict, and the worst category that leads to it.
func (p Policy) judge(a Analysis) verdict {
	if a.Blocked {
		return verdict{kind: refuse, why: Blocklist}
	}
	worst := verdict{}
	for _, c := range Categories {
		v := verdict{why: string(c), severity: a.Severities[c]}
		switch {
		case reaches(v.severity, p.Refuse[c]):
			v.kind = refuse
		case reaches(v.severity, p.Review[c]):
			v.kind = review
		default:
			continue
		}
		if v.kind > worst.kind || v.kind == worst.kind && v.severity > worst.severity {
			worst = v
		}
	}
	return worst
}

// reaches reports whether a severity is at or above a threshold; 0 is no threshold.
func reaches(severity, threshold int) bool { return threshold > 0 && severity >= threshold }
