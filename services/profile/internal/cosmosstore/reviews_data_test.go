package cosmosstore

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
	"supergame/services/profile/internal/moderation"
)

func reviewData(s *Reviews) *playerdata.Service {
	return &playerdata.Service{
		Stores: []playerdata.Store{&ReviewData{reviews: s.container}},
		Tokens: pagetoken.New(nil), Now: func() time.Time { return changed }, Limit: 1000,
	}
}

func TestEraseReviews(t *testing.T) {
	subtests := map[string]func(*testing.T){}
	for name, failure := range passing {
		for _, op := range []emulator.Op{emulator.OpDelete, emulator.OpQuery} {
			if op == emulator.OpQuery && (failure.After || failure.DropAfter) {
				continue // a query commits nothing
			}
			subtests[name+" "+string(op)] = func(t *testing.T) {
				s, e := newFaultyReviewStore(t)
				for i := range 5 {
					openReview(t, s, doubtful(ada, fmt.Sprint(i)))
				}
				others := openReview(t, s, doubtful(bob, "x"))
				once := failure // the subtests run side by side
				once.Op, once.Container, once.Count = op, ReviewsContainer, 1
				e.Inject(once)
				got, err := reviewData(s).Erase(newSession(t), ada)
				want := playerdata.Erasure{Done: true, Deleted: map[string]int64{ReviewsContainer: 5}, Containers: []string{ReviewsContainer}}
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Error(diff, err)
				}
				if left := storedReviews(t, s); len(left) != 1 || left[0]["id"] != others.ID {
					t.Errorf("left: %v", left)
				}
				got, err = reviewData(s).Erase(newSession(t), ada)
				if diff := cmp.Diff(playerdata.Erasure{Done: true, Deleted: map[string]int64{}, Containers: []string{ReviewsContainer}}, got); diff != "" || err != nil {
					t.Errorf("again: %s %v", diff, err)
				}
			}
		}
	}
	together(t, subtests)
}

// TestExportReviews: in the order of ids, each once also when it is resumed, without what is the operators' own.
func TestExportReviews(t *testing.T) {
	s := newReviewStore(t)
	var want []string
	for i := range 70 {
		opened := openReview(t, s, doubtful(ada, fmt.Sprint(i)))
		want = append(want, opened.ID)
		_, err := s.Update(newSession(t), moderation.Edit{ID: opened.ID}, func(r *moderation.Review) (bool, error) {
			r.Note = "a note for colleagues"
			return decideReview(moderation.StateAccepted, "ops@example.com")(r)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	openReview(t, s, doubtful(bob, "x"))
	slices.Sort(want)
	var got []string
	token, resumed := "", false
	err := reviewData(s).Export(newSession(t), ada, "", func(p playerdata.Part) error {
		if p.Document == nil {
			return nil
		}
		if got = append(got, p.Document.ID); len(got) == 33 {
			token = p.ResumeToken
		}
		for name := range p.Document.Content {
			if name[0] == '_' || name == "decidedBy" || name == "note" || name == "ops" {
				t.Errorf("the export has %s", name)
			}
		}
		if p.Document.Content["text"] == "" || p.Document.Content["player"] != ada {
			t.Errorf("exported %v", p.Document.Content)
		}
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	var rest []string
	err = reviewData(s).Export(newSession(t), ada, token, func(p playerdata.Part) error {
		if p.Document != nil {
			rest = append(rest, p.Document.ID)
		} else {
			resumed = p.Summary.Documents[ReviewsContainer] == 70
		}
		return nil
	})
	if diff := cmp.Diff(want[33:], rest); diff != "" || err != nil || !resumed {
		t.Error(diff, err, resumed)
	}
}
