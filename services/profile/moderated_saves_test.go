package profile_test

import (
	"testing"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// TestDescriptionsOfPublicSavesAreModerated refuses one, queues another, and takes that one away by an operator's decision. Nobody else sees
// the description of a private save, so it is let through.
func TestDescriptionsOfPublicSavesAreModerated(t *testing.T) {
	_, e := cosmostest.StartEmulator(t, "an emulator of its own", nil)
	m := serveModerated(t, e, 0)
	m.join(t, ada)
	player := m.Dial(t, m.authority.Player(ada))
	put := func(id, description string, visibility profilev1.SaveVisibility) error {
		return putSave(&profilev1.PutSaveRequest{
			Slot: "auto", Content: []byte("x"), Description: description, Visibility: visibility, Overwrite: true, RequestId: id,
		})(session(t), player)
	}
	const public, private = profilev1.SaveVisibility_SAVE_VISIBILITY_PUBLIC, profilev1.SaveVisibility_SAVE_VISIBILITY_OWNER
	if err := put("r1", "Hate6", public); fault.ReasonOf(err) != "TEXT_REFUSED" {
		t.Errorf("a description that is refused: %v", err)
	}
	if err := put("r2", "Hate6", private); err != nil {
		t.Errorf("a description that only the player sees: %v", err)
	}
	if err := put("r3", "Hate2", public); err != nil {
		t.Fatal(err)
	}
	queue := m.queue(t, reviewPending)
	if len(queue) != 1 || queue[0].GetField() != "save_description" || queue[0].GetText() != "Hate2" {
		t.Fatalf("the queue holds %v", queue)
	}
	request := &profilev1.DecideReviewRequest{ReviewId: queue[0].GetReviewId(), Decision: removeReview}
	if _, err := m.desk(t).DecideReview(session(t), request); err != nil {
		t.Fatal(err)
	}
	saves := profilev1.NewSaveDataServiceClient(m.Dial(t, m.authority.Player(bob)))
	list, err := saves.ListSaves(session(t), &profilev1.ListSavesRequest{PlayerId: ada})
	if err != nil || len(list.GetSaves()) != 1 || list.GetSaves()[0].GetDescription() != "" {
		t.Errorf("after the removal another player sees %v: %v", list.GetSaves(), err)
	}
}
