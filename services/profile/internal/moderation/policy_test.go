package moderation

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSeverities(t *testing.T) {
	for text, want := range map[string]Severities{
		"off": {}, "Hate=4": {Hate: 4}, "Hate=2, Sexual=6,SelfHarm=4,Violence=2": {Hate: 2, Sexual: 6, SelfHarm: 4, Violence: 2},
	} {
		var got Severities
		if err := got.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for text, part := range map[string]string{
		"": "not a category", "hate=4": "not a category", "Hate": "2, 4 or 6", "Hate=": "2, 4 or 6", "Hate=3": "2, 4 or 6", "Hate=0": "2, 4 or 6", "Hate=8": "2, 4 or 6",
		"Hate=-2": "2, 4 or 6", "Hate=4,": "not a category", "Hate=4,Hate=6": "twice", "Hate:4": "not a category", "off,Hate=2": "not a category",
	} {
		var got Severities
		if err := got.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v, want something with %q", text, err, part)
		}
	}
}

func TestJudge(t *testing.T) {
	p := Policy{Refuse: Severities{Hate: 4, Sexual: 6}, Review: Severities{Hate: 2, Sexual: 2, Violence: 4}}
	for what, test := range map[string]struct {
		a    Analysis
		want verdict
	}{
		"nothing":                        {Analysis{}, verdict{}},
		"below every threshold":          {Analysis{Severities: Severities{Hate: 1, Violence: 3, SelfHarm: 7}}, verdict{}},
		"review":                         {Analysis{Severities: Severities{Hate: 2}}, verdict{review, "Hate", 2}},
		"review, between two thresholds": {Analysis{Severities: Severities{Sexual: 5}}, verdict{review, "Sexual", 5}},
		"review where nothing refuses":   {Analysis{Severities: Severities{Violence: 7}}, verdict{review, "Violence", 7}},
		"refuse":                         {Analysis{Severities: Severities{Hate: 4}}, verdict{refuse, "Hate", 4}},
		"refuse beats a worse review":    {Analysis{Severities: Severities{Hate: 4, Violence: 7}}, verdict{refuse, "Hate", 4}},
		"the worst of two":               {Analysis{Severities: Severities{Hate: 4, Sexual: 6}}, verdict{refuse, "Sexual", 6}},
		"blocklist":                      {Analysis{Blocked: true}, verdict{refuse, Blocklist, 0}},
	} {
		if got := p.judge(test.a); got != test.want {
			t.Errorf("%s: %+v, want %+v", what, got, test.want)
		}
	}
	if diff := cmp.Diff([]Category{Hate, Sexual, Violence}, p.categories()); diff != "" {
		t.Error(diff)
	}
}

func TestUnreachable(t *testing.T) {
	for _, test := range []struct {
		refuse, review Severities
		want           Category
	}{
		{Severities{Hate: 4}, Severities{Hate: 2}, ""}, {Severities{Hate: 4}, Severities{Hate: 4}, Hate}, {Severities{Sexual: 2}, Severities{Sexual: 6}, Sexual},
		{Severities{}, Severities{Hate: 6}, ""}, {Severities{Hate: 2}, Severities{}, ""},
	} {
		if got := (Policy{Refuse: test.refuse, Review: test.review}).Unreachable(); got != test.want {
			t.Errorf("%v and %v: %q, want %q", test.refuse, test.review, got, test.want)
		}
	}
}
