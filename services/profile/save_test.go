package profile_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

const (
	savePublic = profilev1.SaveVisibility_SAVE_VISIBILITY_PUBLIC
	saveMax    = 1 << 20
)

func (w *world) saves(t testing.TB, token string) profilev1.SaveDataServiceClient {
	return profilev1.NewSaveDataServiceClient(w.Dial(t, token))
}

// saveContent makes a content that no other is like.
func saveContent(seed uint64, size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(content) // never fails
	return content
}

func saveHash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func putSave(r *profilev1.PutSaveRequest) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewSaveDataServiceClient(c).PutSave(ctx, r)
		return err
	}
}

func getSave(playerID, slot string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewSaveDataServiceClient(c).GetSave(ctx, &profilev1.GetSaveRequest{PlayerId: playerID, Slot: slot})
		return err
	}
}

func listSaves(playerID string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewSaveDataServiceClient(c).ListSaves(ctx, &profilev1.ListSavesRequest{PlayerId: playerID})
		return err
	}
}

func deleteSave(r *profilev1.DeleteSaveRequest) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewSaveDataServiceClient(c).DeleteSave(ctx, r)
		return err
	}
}

// TestTwoDevices plays on two devices at once: the second to write meets a conflict that names both versions, reads, and decides.
func TestTwoDevices(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	phone, deck := w.saves(t, w.authority.Player(ada)), w.saves(t, w.authority.Player(ada))
	put := func(device profilev1.SaveDataServiceClient, name, content, etag, requestID string) (*profilev1.Save, error) {
		r, err := device.PutSave(session(t), &profilev1.PutSaveRequest{
			Slot: "auto", Content: []byte(content), ContentSha256: saveHash([]byte(content)), Etag: etag, Device: name, RequestId: requestID,
			PlayTime: durationpb.New(90e9), Attributes: map[string]string{"level": "12"},
		})
		return r.GetSave(), err
	}
	start, err := put(phone, "phone", "start", "", "r1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put(deck, "deck", "another start", "", "r1b"); !fault.Is(err, fault.AlreadyExists) || fault.ReasonOf(err) != "SAVE_EXISTS" ||
		fault.As(err).Metadata["stored_device"] != "phone" {
		t.Errorf("into a slot that is taken: %v", err)
	}
	onPhone, err := put(phone, "phone", "on the phone", start.GetEtag(), "r2")
	if err != nil {
		t.Fatal(err)
	}
	_, err = put(deck, "deck", "on the deck", start.GetEtag(), "r3")
	f := fault.As(err)
	if f == nil || f.Kind != fault.Aborted || f.Reason != "SAVE_CONFLICT" {
		t.Fatalf("got %v", err)
	}
	for key, want := range map[string]string{
		"slot": "auto", "stored_etag": onPhone.GetEtag(), "stored_sha256": saveHash([]byte("on the phone")), "stored_size": "12", "stored_device": "phone",
		"base_etag": start.GetEtag(), "base_sha256": saveHash([]byte("start")), "base_size": "5", "base_device": "phone",
	} {
		if f.Metadata[key] != want {
			t.Errorf("%s is %q, want %q", key, f.Metadata[key], want)
		}
	}
	if f.Metadata["stored_update_time"] == "" || f.Metadata["base_update_time"] == "" {
		t.Errorf("the details are %v", f.Metadata)
	}
	read, err := deck.GetSave(session(t), &profilev1.GetSaveRequest{Slot: "auto"})
	if err != nil || string(read.GetContent()) != "on the phone" || !proto.Equal(read.GetSave(), onPhone) {
		t.Fatalf("%v, %v", read, err)
	}
	merged, err := put(deck, "deck", "both", read.GetSave().GetEtag(), "r4")
	if err != nil || merged.GetDevice() != "deck" || !merged.GetCreateTime().AsTime().Equal(start.GetCreateTime().AsTime()) {
		t.Errorf("%v, %v", merged, err)
	}
	// The last writer wins when he asks for it.
	r, err := phone.PutSave(session(t), &profilev1.PutSaveRequest{Slot: "auto", Content: []byte("anyway"), Overwrite: true, RequestId: "r5"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deck.DeleteSave(session(t), &profilev1.DeleteSaveRequest{Slot: "auto", Etag: merged.GetEtag(), RequestId: "r6"}); fault.ReasonOf(err) != "SAVE_CONFLICT" {
		t.Errorf("the deletion of an old version: %v", err)
	}
	list, err := deck.ListSaves(session(t), &profilev1.ListSavesRequest{})
	if err != nil || len(list.GetSaves()) != 1 || !proto.Equal(list.GetSaves()[0], r.GetSave()) {
		t.Errorf("%v, %v", list, err)
	}
	if q := list.GetQuota(); q.GetSlots() != 1 || q.GetMaxSlots() != 20 || q.GetBytes() != 6 || q.GetMaxBytes() != 8<<20 {
		t.Errorf("the quota is %v", q)
	}
	if _, err := deck.DeleteSave(session(t), &profilev1.DeleteSaveRequest{Slot: "auto", AnyVersion: true, RequestId: "r7"}); err != nil {
		t.Error(err)
	}
	if _, err := deck.DeleteSave(session(t), &profilev1.DeleteSaveRequest{Slot: "auto", AnyVersion: true, RequestId: "r8"}); fault.ReasonOf(err) != "SAVE_NOT_FOUND" {
		t.Errorf("of an empty slot: %v", err)
	}
	if _, err := put(deck, "deck", "after all", merged.GetEtag(), "r9"); fault.ReasonOf(err) != "SAVE_CONFLICT" || fault.As(err).Metadata["stored_etag"] != "" {
		t.Errorf("on a version that was deleted: %v", err)
	}
}

// TestDefaultQuota fills the bytes, and then the slots.
func TestDefaultQuota(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	me := w.saves(t, w.authority.Player(ada))
	put := func(slot string, content []byte) error {
		_, err := me.PutSave(session(t), &profilev1.PutSaveRequest{Slot: slot, Content: content, Overwrite: true, RequestId: fmt.Sprint(slot, "-", len(content))})
		return err
	}
	large := saveContent(1, saveMax)
	for i := range 8 {
		if err := put(fmt.Sprint("s", i), large); err != nil {
			t.Fatal(err)
		}
	}
	wantQuota := func(what string, err error) {
		t.Helper()
		f := fault.As(err)
		if f == nil || f.Kind != fault.ResourceExhausted || f.Reason != "SAVE_QUOTA" || f.RetryAfter != 0 ||
			f.Metadata["max_bytes"] != "8388608" || f.Metadata["max_slots"] != "20" {
			t.Errorf("%s: %v", what, err)
		}
	}
	wantQuota("a byte more", put("s8", []byte("x")))
	if err := put("s0", large[:saveMax-100]); err != nil {
		t.Errorf("fewer bytes: %v", err)
	}
	for i := 8; i < 20; i++ {
		if err := put(fmt.Sprint("s", i), []byte("x")); err != nil {
			t.Error(err)
		}
	}
	wantQuota("the 21st slot", put("s20", []byte("x")))
	if _, err := me.DeleteSave(session(t), &profilev1.DeleteSaveRequest{Slot: "s3", AnyVersion: true, RequestId: "d"}); err != nil {
		t.Error(err)
	}
	if err := put("s20", []byte("x")); err != nil {
		t.Errorf("after a deletion: %v", err)
	}

	// All of it is exported, one document to a message, and erased.
	data := w.playerData(t, w.authority.Service("profile"))
	exported := map[string]string{}
	for _, part := range receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada}) {
		if content, ok := part.GetDocument().GetContent().AsMap()["content"].(string); ok {
			exported[part.GetDocument().GetId()] = content
		}
	}
	if len(exported) != 20 || exported["s|s7"] != base64.StdEncoding.EncodeToString(large) {
		t.Errorf("%d contents are exported", len(exported))
	}
	if err := erase(ada)(session(t), w.Dial(t, w.authority.Service("profile"))); err != nil {
		t.Error(err)
	}
	if parts := receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada}); len(parts) != 1 {
		t.Errorf("%d parts after the erase", len(parts))
	}
}

func TestWhoMayDoWhatWithSaves(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	player, other := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Player(bob))
	operator, gameServer := w.Dial(t, w.authority.Operator(someOps)), w.Dial(t, w.authority.GameServer("eu-1"))
	service, stranger := w.Dial(t, w.authority.Service("leaderboard")), w.Dial(t, "")
	put := func(slot, id string) call {
		return putSave(&profilev1.PutSaveRequest{PlayerId: ada, Slot: slot, Content: []byte("x"), Overwrite: true, RequestId: id})
	}
	remove := func(id string) call {
		return deleteSave(&profilev1.DeleteSaveRequest{PlayerId: ada, Slot: "shut", AnyVersion: true, RequestId: id})
	}
	open := putSave(&profilev1.PutSaveRequest{Slot: "open", Content: []byte("x"), Visibility: savePublic, RequestId: "open"})
	if err := open(session(t), player); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		what   string
		as     *grpc.ClientConn
		call   call
		kind   fault.Kind // 0 = allowed
		reason string     // "" = any
	}{
		{"one's own", player, put("shut", "1"), 0, ""},
		{"an operator writes", operator, put("shut", "1"), 0, ""}, // the id is another of another caller
		{"a game server writes", gameServer, put("shut", "1"), 0, ""},
		{"another player writes", other, put("shut", "1"), fault.PermissionDenied, "NOT_YOUR_SAVE"},
		{"another player deletes", other, remove("2"), fault.PermissionDenied, "NOT_YOUR_SAVE"},
		{"a service writes", service, put("shut", "1"), fault.PermissionDenied, ""},
		{"a service deletes", service, remove("2"), fault.PermissionDenied, ""},
		{"another reads what is public", other, getSave(ada, "open"), 0, ""},
		{"another reads what is not", other, getSave(ada, "shut"), fault.PermissionDenied, "SAVE_NOT_PUBLIC"},
		{"another reads what is not there", other, getSave(ada, "none"), fault.PermissionDenied, "SAVE_NOT_PUBLIC"},
		{"another reads of nobody", other, getSave(nobody, "none"), fault.PermissionDenied, "SAVE_NOT_PUBLIC"},
		{"a service reads", service, getSave(ada, "shut"), 0, ""},
		{"a service reads what is not there", service, getSave(ada, "none"), fault.NotFound, "SAVE_NOT_FOUND"},
		{"another lists", other, listSaves(ada), 0, ""},
		{"another lists of nobody", other, listSaves(nobody), fault.NotFound, "PLAYER_NOT_FOUND"},
		{"an operator writes for nobody", operator, putSave(&profilev1.PutSaveRequest{PlayerId: nobody, Slot: "a", Content: []byte("x"), RequestId: "1"}), fault.NotFound, "PLAYER_NOT_FOUND"},
		{"a stranger writes", stranger, put("shut", "1"), fault.Unauthenticated, ""},
		{"a stranger reads", stranger, getSave(ada, "open"), fault.Unauthenticated, ""},
		{"a stranger lists", stranger, listSaves(ada), fault.Unauthenticated, ""},
		{"an operator deletes", operator, remove("2"), 0, ""},
	}
	for _, test := range tests {
		err := test.call(session(t), test.as)
		switch {
		case test.kind == 0:
			if err != nil {
				t.Errorf("%s: %v", test.what, err)
			}
		case !fault.Is(err, test.kind) || test.reason != "" && fault.ReasonOf(err) != test.reason:
			t.Errorf("%s: %v", test.what, err)
		}
	}
}

func TestBadSaves(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	player, operator := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	with := func(change func(*profilev1.PutSaveRequest)) call {
		r := &profilev1.PutSaveRequest{Slot: "auto", Content: []byte("x"), RequestId: "r"}
		change(r)
		return putSave(r)
	}
	many := map[string]string{}
	for i := range 9 {
		many[fmt.Sprint("k", i)] = "v"
	}
	tests := []struct {
		what  string
		as    *grpc.ClientConn
		call  call
		field string
		part  string
	}{
		{"no content", player, with(func(r *profilev1.PutSaveRequest) { r.Content = nil }), "content", ""},
		{"a byte too much", player, with(func(r *profilev1.PutSaveRequest) { r.Content = make([]byte, saveMax+1) }), "content", ""},
		{"another hash", player, with(func(r *profilev1.PutSaveRequest) { r.ContentSha256 = saveHash([]byte("y")) }), "content_sha256", saveHash([]byte("x"))},
		{"no hash", player, with(func(r *profilev1.PutSaveRequest) { r.ContentSha256 = "xyz" }), "content_sha256", ""},
		{"hash in capitals", player, with(func(r *profilev1.PutSaveRequest) { r.ContentSha256 = strings.ToUpper(saveHash([]byte("x"))) }), "content_sha256", ""},
		{"no slot", player, with(func(r *profilev1.PutSaveRequest) { r.Slot = "" }), "slot", ""},
		{"slot with a slash", player, with(func(r *profilev1.PutSaveRequest) { r.Slot = "a/b" }), "slot", ""},
		{"slot with a newline", player, with(func(r *profilev1.PutSaveRequest) { r.Slot = "a\n" }), "slot", ""},
		{"slot in capitals", player, with(func(r *profilev1.PutSaveRequest) { r.Slot = "Auto" }), "slot", ""},
		{"slot too long", player, with(func(r *profilev1.PutSaveRequest) { r.Slot = strings.Repeat("s", 33) }), "slot", ""},
		{"no request id", player, with(func(r *profilev1.PutSaveRequest) { r.RequestId = "" }), "request_id", ""},
		{"etag made up", player, with(func(r *profilev1.PutSaveRequest) { r.Etag = "W/\"x\"" }), "etag", ""},
		{"etag and overwrite", player, with(func(r *profilev1.PutSaveRequest) { r.Etag, r.Overwrite = "1-a", true }), "etag", "overwrite"},
		{"description too long", player, with(func(r *profilev1.PutSaveRequest) { r.Description = strings.Repeat("d", 257) }), "description", ""},
		{"description of two lines", player, with(func(r *profilev1.PutSaveRequest) { r.Description = "a\nb" }), "description", "U+000A"},
		{"description turned around", player, with(func(r *profilev1.PutSaveRequest) { r.Description = "a\u202eb" }), "description", "U+202E"},
		{"device too long", player, with(func(r *profilev1.PutSaveRequest) { r.Device = strings.Repeat("d", 65) }), "device", ""},
		{"device with NUL", player, with(func(r *profilev1.PutSaveRequest) { r.Device = "a\x00" }), "device", "U+0000"},
		{"negative play time", player, with(func(r *profilev1.PutSaveRequest) { r.PlayTime = durationpb.New(-1) }), "play_time", ""},
		{"a play time that is none", player, with(func(r *profilev1.PutSaveRequest) { r.PlayTime = &durationpb.Duration{Seconds: 1 << 60} }), "play_time", ""},
		{"nine attributes", player, with(func(r *profilev1.PutSaveRequest) { r.Attributes = many }), "attributes", ""},
		{"attribute too long", player, with(func(r *profilev1.PutSaveRequest) { r.Attributes = map[string]string{"k": strings.Repeat("v", 129)} }), `attributes["k"]`, ""},
		{"attribute of two lines", player, with(func(r *profilev1.PutSaveRequest) { r.Attributes = map[string]string{"k": "a\nb"} }), `attributes["k"]`, "U+000A"},
		{"attribute with a bad key", player, with(func(r *profilev1.PutSaveRequest) { r.Attributes = map[string]string{"A": "v"} }), `attributes["A"]`, ""},
		{"unknown visibility", player, with(func(r *profilev1.PutSaveRequest) { r.Visibility = 7 }), "visibility", ""},
		{"an operator names nobody", operator, with(func(*profilev1.PutSaveRequest) {}), "player_id", "only a player"},
		{"an operator reads nobody", operator, getSave("", "a"), "player_id", "only a player"},
		{"an operator lists nobody", operator, listSaves(""), "player_id", "only a player"},
		{"get with a bad slot", player, getSave("", "../a"), "slot", ""},
		{"get of a bad player", player, getSave("x", "a"), "player_id", ""},
		{"list of a bad player", player, listSaves("x"), "player_id", ""},
		{"delete without a version", player, deleteSave(&profilev1.DeleteSaveRequest{Slot: "a", RequestId: "r"}), "etag", "any_version"},
		{"delete one version and any", player, deleteSave(&profilev1.DeleteSaveRequest{Slot: "a", RequestId: "r", Etag: "1-a", AnyVersion: true}), "etag", "any_version"},
		{"delete without a request id", player, deleteSave(&profilev1.DeleteSaveRequest{Slot: "a", AnyVersion: true}), "request_id", ""},
		{"delete a bad slot", player, deleteSave(&profilev1.DeleteSaveRequest{Slot: "a?", AnyVersion: true, RequestId: "r"}), "slot", ""},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			wantBadField(t, test.call(session(t), test.as), test.field, test.part)
		})
	}
	list, err := profilev1.NewSaveDataServiceClient(player).ListSaves(session(t), &profilev1.ListSavesRequest{})
	if err != nil || len(list.GetSaves()) != 0 {
		t.Errorf("something was stored: %v, %v", list, err)
	}
	// The largest message that a client may send is refused, not cut.
	err = with(func(r *profilev1.PutSaveRequest) { r.Content = make([]byte, 5<<20) })(session(t), player)
	if err == nil || fault.Is(err, fault.Internal) {
		t.Errorf("5 MiB: %v", err)
	}
}

// TestLargestSave comes back as it was sent.
func TestLargestSave(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	me := w.saves(t, w.authority.Player(ada))
	content := saveContent(1, saveMax)
	put, err := me.PutSave(session(t), &profilev1.PutSaveRequest{Slot: "auto", Content: content, ContentSha256: saveHash(content), RequestId: "r"})
	if err != nil || put.GetSave().GetContentSha256() != saveHash(content) || put.GetSave().GetSize() != saveMax {
		t.Fatalf("%v, %v", put, err)
	}
	got, err := me.GetSave(session(t), &profilev1.GetSaveRequest{Slot: "auto"})
	if err != nil || !bytes.Equal(got.GetContent(), content) || !proto.Equal(got.GetSave(), put.GetSave()) {
		t.Errorf("%v, %v", got.GetSave(), err)
	}
}

func TestSaveSettings(t *testing.T) {
	cfg, err := loadConfig(nil)
	if err != nil || cfg.Saves.SaveSlots != 20 || cfg.Saves.SaveBytes != 8<<20 {
		t.Errorf("%+v, %v", cfg, err)
	}
	for _, setting := range []string{"PROFILE_SAVE_SLOTS=0", "PROFILE_SAVE_SLOTS=51", "PROFILE_SAVE_BYTES=0", "PROFILE_SAVE_BYTES=52428801"} {
		variable, _, _ := strings.Cut(setting, "=")
		if _, err := loadConfig([]string{setting}); err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
