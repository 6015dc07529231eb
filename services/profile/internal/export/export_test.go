package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

const player = "ada"

// source is a service with a number of documents. Its tokens are positions in it.
type source struct {
	name      string
	documents int
	err       error // behind the documents
	silent    bool  // it ends without a summary
}

func (s *source) Name() string { return s.name }

func (s *source) Export(_ context.Context, _, token string, send func(Part) error) error {
	from := 0
	if token != "" {
		var err error
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > s.documents+1 {
			return fault.Invalid("resume_token", "is not one of mine")
		}
	}
	for i := from; i < s.documents; i++ {
		if err := send(Part{Container: "things", ID: fmt.Sprint(i), ResumeToken: fmt.Sprint(i + 1)}); err != nil {
			return err
		}
	}
	if s.err != nil || s.silent {
		return s.err
	}
	return send(Part{Summary: &Summary{Documents: map[string]int64{"things": int64(s.documents)}}, ResumeToken: fmt.Sprint(s.documents + 1)})
}

// everybody is there, but for nobody.
type everybody struct{}

func (everybody) Exists(_ context.Context, id string) (bool, error) { return id != "nobody", nil }

func newExports(sources ...Source) *Exports {
	return &Exports{Sources: sources, Players: everybody{}, Tokens: pagetoken.New(nil)}
}

var me = Caller{Subject: player, Player: true}

// collect exports from a token on, and returns the pieces as texts, and the token of the last.
func collect(e *Exports, token string) (pieces []string, tokens []string, err error) {
	err = e.Export(context.Background(), me, "", token, func(p Piece) error {
		switch {
		case p.Document != nil:
			pieces = append(pieces, p.Service+"/"+p.Document.ID)
		case p.Summary != nil:
			pieces = append(pieces, "end of "+p.Summary.Service)
		default:
			pieces = append(pieces, fmt.Sprint("end of ", len(p.All)))
		}
		tokens = append(tokens, p.ResumeToken)
		return nil
	})
	return pieces, tokens, err
}

// TestAnExportGoesOnBehindEachPiece, also when the services of the configuration have changed places.
func TestAnExportGoesOnBehindEachPiece(t *testing.T) {
	a, b, c := &source{name: "profile", documents: 2}, &source{name: "identity"}, &source{name: "leaderboard", documents: 1}
	want := []string{"profile/0", "profile/1", "end of profile", "end of identity", "leaderboard/0", "end of leaderboard", "end of 3"}
	pieces, tokens, err := collect(newExports(a, b, c), "")
	if err != nil || !slices.Equal(pieces, want) {
		t.Fatalf("%v, %v", pieces, err)
	}
	for i, token := range tokens {
		rest, _, err := collect(newExports(a, b, c), token)
		if at := min(i+1, len(want)-1); err != nil || !slices.Equal(rest, want[at:]) {
			t.Errorf("behind %s: %v, %v", want[i], rest, err)
		}
		turned, _, err := collect(newExports(a, c, b), token)
		if err != nil || turned[len(turned)-1] != "end of 3" {
			t.Errorf("behind %s, in another order: %v, %v", want[i], turned, err)
		}
	}
}

// TestAnExportThatIsCut is no export: neither a failure nor a silent end passes for the end.
func TestAnExportThatIsCut(t *testing.T) {
	down := fault.New(fault.Unavailable, "IS_DOWN", "down")
	for what, s := range map[string]*source{"a failure": {name: "identity", documents: 1, err: down}, "no summary": {name: "identity", documents: 1, silent: true}} {
		e := newExports(&source{name: "profile"}, s)
		pieces, tokens, err := collect(e, "")
		if !fault.Is(err, fault.Unavailable) || !slices.Equal(pieces, []string{"end of profile", "identity/0"}) {
			t.Errorf("%s: %v, %v", what, pieces, err)
		}
		s.err, s.silent = nil, false
		if rest, _, err := collect(e, tokens[1]); err != nil || !slices.Equal(rest, []string{"end of identity", "end of 2"}) {
			t.Errorf("after %s: %v, %v", what, rest, err)
		}
	}
	gone := errors.New("the caller went away")
	e := newExports(&source{name: "profile", documents: 1})
	for range 2 { // the second is not refused as open
		if err := e.Export(context.Background(), me, "", "", func(Piece) error { return gone }); !errors.Is(err, gone) {
			t.Error(err)
		}
	}
}

// TestWhoExportsWhom: himself, and an operator anybody who is there; nobody twice at once.
func TestWhoExportsWhom(t *testing.T) {
	e, operator := newExports(&source{name: "profile"}), Caller{Subject: "ops"}
	none := func(Piece) error { return nil }
	for what, test := range map[string]struct {
		c    Caller
		id   string
		kind fault.Kind
	}{
		"another player": {me, "bob", fault.PermissionDenied}, "an operator, no id": {operator, "", fault.InvalidArgument}, "nobody": {operator, "nobody", fault.NotFound},
	} {
		if err := e.Export(context.Background(), test.c, test.id, "", none); !fault.Is(err, test.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	err := e.Export(context.Background(), me, "", "", func(Piece) error {
		if err := e.Export(context.Background(), operator, player, "", none); fault.ReasonOf(err) != "EXPORT_OPEN" {
			t.Errorf("a second one at once: %v", err)
		}
		return e.Export(context.Background(), operator, "bob", "", none) // another player's is not in the way
	})
	if err != nil {
		t.Error(err)
	}
}

// FuzzResumeToken: a token that nobody gave out is refused or leads to an export that ends; it never breaks the service, nor reaches another player's.
func FuzzResumeToken(f *testing.F) {
	e := newExports(&source{name: "profile", documents: 2}, &source{name: "identity", documents: 1})
	_, tokens, err := collect(e, "")
	if err != nil {
		f.Fatal(err)
	}
	for _, token := range append(tokens, "", "x") {
		f.Add(token)
	}
	list := e.Tokens.For("ProfileService.ExportPlayer", player)
	for _, position := range []string{"{}", "null", "[]", `{"s":"x"}`, `{"s":"profile","i":"-1"}`, `{"d":[{"s":"profile"},{"s":"profile"}]}`, `{"d":[{"t":"x"}]}`} {
		f.Add(list.Token(position))
	}
	f.Fuzz(func(t *testing.T, token string) {
		pieces, _, err := collect(e, token)
		if err != nil && !fault.Is(err, fault.InvalidArgument) {
			t.Error(err)
		}
		if err == nil && (len(pieces) == 0 || pieces[len(pieces)-1][:6] != "end of") {
			t.Errorf("%q ends with %v", token, pieces)
		}
		if token != "" && err == nil {
			other := e.Export(context.Background(), Caller{Subject: "bob", Player: true}, "", token, func(Piece) error { return nil })
			if !fault.Is(other, fault.InvalidArgument) {
				t.Errorf("another player uses the token: %v", other)
			}
		}
	})
}
