package profile_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/testing/protocmp"

	"supergame/local/emulator/emulatortest"
	optionsv1 "supergame/proto/gen/supergame/options/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// walletStore is a way to the documents behind the service of startOnWire.
func walletStore(t testing.TB, e *emulatortest.Emulator) *cosmos.Client {
	t.Helper()
	client, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "https://behind-" + strings.ToLower(t.Name()) + ".localhost/", Key: config.NewSecret(e.Key()), Database: "supergame",
	}, cosmos.Options{Transport: e})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (w *world) wallets(t testing.TB, token string) profilev1.WalletServiceClient {
	return profilev1.NewWalletServiceClient(w.Dial(t, token))
}

// walletAmounts are the balances of a player by the text of their assets.
func walletAmounts(t *testing.T, c profilev1.WalletServiceClient, id string, pageSize int32) (amounts map[string]int64, pages int) {
	t.Helper()
	amounts = map[string]int64{}
	for token := ""; ; {
		r, err := c.GetWallet(session(t), &profilev1.GetWalletRequest{PlayerId: id, PageSize: pageSize, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range r.GetBalances() {
			amounts[b.GetAsset().GetCurrency()+b.GetAsset().GetItem()] += b.GetAmount()
		}
		pages++
		if token = r.GetNextPageToken(); token == "" {
			return amounts, pages
		}
	}
}

func TestLifeOfAWallet(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	ctx := session(t)
	server, player, board := w.wallets(t, w.authority.GameServer("eu")), w.wallets(t, w.authority.Player(ada)), w.wallets(t, w.authority.Service("leaderboard"))

	granted, err := server.Apply(ctx, walletGrant("g1", walletGold(100), walletItem("gold", 3)))
	if err != nil {
		t.Fatal(err)
	}
	reward := walletGrant("reward|weekly|2026-09|gold", walletGold(50))
	reward.Kind, reward.Reason, reward.Reference = profilev1.LedgerKind_LEDGER_KIND_REWARD, "Première de la semaine", "season-12"
	if _, err := board.Apply(ctx, reward); err != nil {
		t.Fatal(err)
	}
	transfer := walletGrant("t1", walletGold(-100), walletItem("potion", 1))
	transfer.Kind = profilev1.LedgerKind_LEDGER_KIND_TRANSFER
	if _, err := server.Apply(ctx, transfer); err != nil {
		t.Fatal(err)
	}
	spent, err := player.Spend(ctx, &profilev1.SpendRequest{RequestId: "g1", Lines: []*profilev1.Line{walletItem("potion", -1)}, Reference: "m-1"})
	if err != nil || spent.GetReplayed() {
		t.Fatalf("%v, %v: the request ids of a player are his own", spent, err)
	}
	again, err := server.Apply(ctx, walletGrant("g1", walletGold(100), walletItem("gold", 3)))
	if err != nil || !again.GetReplayed() {
		t.Errorf("again: %v, %v", again, err)
	}
	if diff := cmp.Diff(granted.GetEntry(), again.GetEntry(), protocmp.Transform()); diff != "" {
		t.Errorf("not the first answer: %s", diff)
	}
	amounts, _ := walletAmounts(t, player, "", 0)
	if diff := cmp.Diff(map[string]int64{"gold": 50 + 3}, amounts); diff != "" { // the currency and the item; no potion is left
		t.Error(diff)
	}
	if amounts, _ := walletAmounts(t, w.wallets(t, w.authority.Player(bob)), "", 0); len(amounts) != 0 {
		t.Errorf("another player has %v", amounts)
	}

	list, err := player.ListLedger(ctx, &profilev1.ListLedgerRequest{})
	if err != nil || len(list.GetEntries()) != 4 || list.GetNextPageToken() != "" {
		t.Fatalf("%v, %v", list, err)
	}
	entries := list.GetEntries()
	if diff := cmp.Diff(spent.GetEntry(), entries[0], protocmp.Transform()); diff != "" {
		t.Errorf("the newest is not what was answered: %s", diff)
	}
	if r := entries[2]; r.GetCaller() != "" || r.GetCallerRole() != optionsv1.Role_ROLE_SERVICE || r.GetReason() != reward.GetReason() || r.GetReference() != "season-12" {
		t.Errorf("the reward is %v", r)
	}
	for i, e := range entries {
		if e.GetSeq() != int64(4-i) || i > 0 && e.GetHash() != entries[i-1].GetPreviousHash() {
			t.Errorf("entry %d is %v", i, e)
		}
	}
	result, err := walletVerified(ctx, w.Dial(t, w.authority.Operator(someOps)), ada)
	if err != nil || !result.GetOk() || result.GetEntries() != 4 || result.GetHeadHash() != entries[0].GetHash() || result.GetBalances() != 3 {
		t.Errorf("%v, %v", result, err)
	}
}

func TestWalletPages(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	server, player := w.wallets(t, w.authority.GameServer("eu")), w.wallets(t, w.authority.Player(ada))
	want := map[string]int64{"gold": 25}
	for i := range 25 {
		if _, err := server.Apply(session(t), walletGrant(fmt.Sprint("r", i), walletGold(1), walletItem(fmt.Sprintf("item-%02d", i), 1))); err != nil {
			t.Fatal(err)
		}
		want[fmt.Sprintf("item-%02d", i)] = 1
	}
	if _, err := player.Spend(session(t), &profilev1.SpendRequest{RequestId: "s", Lines: []*profilev1.Line{walletItem("item-03", -1), walletItem("item-04", -1)}}); err != nil {
		t.Fatal(err)
	}
	delete(want, "item-03")
	delete(want, "item-04")
	for size, wantPages := range map[int32]int{1: 27, 2: 14, 7: 4, 26: 2, 27: 1, 500: 1} {
		amounts, pages := walletAmounts(t, player, ada, size)
		if diff := cmp.Diff(want, amounts); diff != "" || pages != wantPages {
			t.Errorf("pages of %d: %d pages %s", size, pages, diff)
		}
	}
	for size, wantPages := range map[int32]int{1: 26, 7: 4, 13: 2, 200: 1} {
		next, pages := int64(26), 0
		for token := ""; ; {
			r, err := player.ListLedger(session(t), &profilev1.ListLedgerRequest{PageSize: size, PageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range r.GetEntries() {
				if e.GetSeq() != next {
					t.Errorf("pages of %d: entry %d, want %d", size, e.GetSeq(), next)
				}
				next--
			}
			pages++
			if token = r.GetNextPageToken(); token == "" {
				break
			}
		}
		if next != 0 || pages != wantPages {
			t.Errorf("pages of %d: %d pages, %d entries are missing", size, pages, next)
		}
	}
}

// TestWalletExportVerifies checks an export as a studio would, with nothing but the words of the proto.
func TestWalletExportVerifies(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	server := w.wallets(t, w.authority.GameServer("eu"))
	for i := range 5 {
		r := walletGrant(fmt.Sprint("r", i), walletGold(int64(i)+1<<40), walletItem("potion", 1))
		if i%2 == 1 {
			r.Reason, r.Reference = "naïve, 5:abc,", "m:1,"
		}
		if _, err := server.Apply(session(t), r); err != nil {
			t.Fatal(err)
		}
	}
	entries, sums, balances := map[float64]map[string]any{}, map[string]float64{}, map[string]float64{}
	head := map[string]any{}
	for _, part := range receive(t, w.playerData(t, w.authority.Service("profile")), &profilev1.ExportPlayerRequest{PlayerId: ada}) {
		switch doc := part.GetDocument().GetContent().AsMap(); doc["type"] {
		case "ledger":
			entries[doc["ledgerSeq"].(float64)] = doc
		case "balance":
			balances[doc["id"].(string)] = doc["amount"].(float64)
		case "wallet":
			head = doc
		}
	}
	previous := strings.Repeat("0", 64)
	for seq := 1; seq <= 5; seq++ {
		doc := entries[float64(seq)]
		lines := doc["lines"].([]any)
		fields := []any{
			"supergame wallet entry 1", doc["playerId"], doc["ledgerSeq"], previous, doc["requestId"], doc["requestHash"], doc["kind"], doc["role"],
			doc["caller"], doc["reason"], doc["reference"], doc["time"], len(lines),
		}
		for _, l := range lines {
			line := l.(map[string]any)
			fields = append(fields, "currency", line["currency"], line["amount"], line["balance"])
			id := "w|c|gold"
			if item, ok := line["item"].(string); ok {
				fields[len(fields)-4], fields[len(fields)-3] = "item", item
				id = "w|i|" + item
			}
			if sums[id] += line["amount"].(float64); sums[id] != line["balance"] {
				t.Errorf("entry %d: %v, the sum is %v", seq, line, sums[id])
			}
		}
		previous = walletNetstringHash(fields)
		if doc["hash"] != previous {
			t.Errorf("entry %d has the hash %v, computed is %s", seq, doc["hash"], previous)
		}
	}
	if head["hash"] != previous || !maps.Equal(sums, balances) || len(balances) != 2 {
		t.Errorf("head %v, balances %v, sums %v", head, balances, sums)
	}
}

func walletNetstringHash(fields []any) string {
	var b strings.Builder
	for _, field := range fields {
		text := ""
		switch field := field.(type) {
		case float64:
			text = fmt.Sprintf("%.0f", field)
		case nil:
		default:
			text = fmt.Sprint(field)
		}
		fmt.Fprintf(&b, "%d:%s,", len(text), text)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

func TestWhoMayCallTheWallet(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	callers := map[string]*grpc.ClientConn{
		"ada": w.Dial(t, w.authority.Player(ada)), "bob": w.Dial(t, w.authority.Player(bob)), "server": w.Dial(t, w.authority.GameServer("eu")),
		"operator": w.Dial(t, w.authority.Operator(someOps)), "leaderboard": w.Dial(t, w.authority.Service("leaderboard")),
		"matchmaking": w.Dial(t, w.authority.Service("matchmaking")), "server called leaderboard": w.Dial(t, w.authority.GameServer("leaderboard")),
		"player called leaderboard": w.Dial(t, w.authority.Sign(w.authority.Claims(auth.RolePlayer, "leaderboard"))),
	}
	const denied, notYours = auth.ReasonAccessDenied, "NOT_YOUR_WALLET"
	correction := walletGrant("c", walletGold(5))
	correction.Kind = profilev1.LedgerKind_LEDGER_KIND_CORRECTION
	for what, test := range map[string]struct {
		call    call
		reasons map[string]string // by caller; not named = allowed
	}{
		"apply":   {walletApply(walletGrant("r", walletGold(5))), map[string]string{"ada": denied, "bob": denied, "matchmaking": denied}},
		"correct": {walletApply(correction), map[string]string{"ada": denied, "bob": denied, "matchmaking": denied, "server": "OPERATORS_ONLY", "leaderboard": "OPERATORS_ONLY", "server called leaderboard": "OPERATORS_ONLY"}},
		"spend":   {walletSpend("s", walletGold(-1)), map[string]string{"bob": "INSUFFICIENT_FUNDS", "server": denied, "operator": denied, "leaderboard": denied, "matchmaking": denied, "server called leaderboard": denied}},
		"get":     {walletGet(ada, 0, ""), map[string]string{"bob": notYours}},
		"list":    {walletLedger(ada, 0, ""), map[string]string{"bob": notYours, "server": denied, "leaderboard": denied, "matchmaking": denied, "server called leaderboard": denied}},
		"verify":  {walletVerify(ada), map[string]string{"ada": denied, "bob": denied, "server": denied, "leaderboard": denied, "matchmaking": denied, "server called leaderboard": denied}},
	} {
		for name, conn := range callers {
			if name == "player called leaderboard" { // no player has such a name, so his token is none
				if err := test.call(session(t), conn); err == nil {
					t.Errorf("%s by a %s is allowed", what, name)
				}
				continue
			}
			if what == "spend" && name == "ada" {
				if err := walletApply(walletGrant("funds", walletGold(5)))(session(t), callers["server"]); err != nil {
					t.Error(err)
				}
			}
			if err := test.call(session(t), conn); fault.ReasonOf(err) != test.reasons[name] {
				t.Errorf("%s by %s: %v, want %q", what, name, err, test.reasons[name])
			}
		}
	}
}

func TestWalletOfAnUnknownPlayer(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	operator := w.Dial(t, w.authority.Operator(someOps))
	grant, spend := walletGrant("r", walletGold(5)), walletGrant("r", walletGold(-5))
	grant.PlayerId, spend.PlayerId, spend.Kind = nobody, nobody, profilev1.LedgerKind_LEDGER_KIND_SPEND
	for what, c := range map[string]call{
		"grant": walletApply(grant), "spend": walletApply(spend), "get": walletGet(nobody, 0, ""), "list": walletLedger(nobody, 0, ""), "verify": walletVerify(nobody),
	} {
		if err := c(session(t), operator); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, c := range map[string]call{"get": walletGet(ada, 0, ""), "list": walletLedger(ada, 0, ""), "verify": walletVerify(ada)} {
		if err := c(session(t), operator); err != nil {
			t.Errorf("%s of an empty wallet: %v", what, err)
		}
	}
}

func TestWalletBadInput(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	server, player, operator := w.Dial(t, w.authority.GameServer("eu")), w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	if err := walletApply(walletGrant("funds", walletItems(3, 5)...))(session(t), server); err != nil {
		t.Fatal(err)
	}
	page, err := profilev1.NewWalletServiceClient(player).GetWallet(session(t), &profilev1.GetWalletRequest{PageSize: 1})
	if err != nil || page.GetNextPageToken() == "" {
		t.Fatal(err)
	}
	with := func(change func(*profilev1.ApplyRequest)) call {
		r := walletGrant("r", walletGold(5))
		change(r)
		return walletApply(r)
	}
	tests := map[string]struct {
		as    *grpc.ClientConn
		call  call
		field string
	}{
		"no player":              {server, with(func(r *profilev1.ApplyRequest) { r.PlayerId = "" }), "player_id"},
		"a player with NUL":      {server, with(func(r *profilev1.ApplyRequest) { r.PlayerId = ada[:25] + "\x00" }), "player_id"},
		"no request id":          {server, with(func(r *profilev1.ApplyRequest) { r.RequestId = "" }), "request_id"},
		"a slash":                {server, with(func(r *profilev1.ApplyRequest) { r.RequestId = "a/b" }), "request_id"},
		"a line break":           {server, with(func(r *profilev1.ApplyRequest) { r.RequestId = "a\n" }), "request_id"},
		"a long request id":      {server, with(func(r *profilev1.ApplyRequest) { r.RequestId = strings.Repeat("a", 129) }), "request_id"},
		"no kind":                {server, with(func(r *profilev1.ApplyRequest) { r.Kind = 0 }), "kind"},
		"another kind":           {server, with(func(r *profilev1.ApplyRequest) { r.Kind = 99 }), "kind"},
		"no lines":               {server, with(func(r *profilev1.ApplyRequest) { r.Lines = nil }), "lines"},
		"41 lines":               {server, walletApply(walletGrant("r", walletItems(41, 1)...)), "lines"},
		"an asset twice":         {server, walletApply(walletGrant("r", walletGold(1), walletItem("a", 1), walletGold(2))), "lines[2].asset"},
		"zero":                   {server, walletApply(walletGrant("r", walletGold(0))), "lines[0].amount"},
		"too much":               {server, walletApply(walletGrant("r", walletGold(1<<53))), "lines[0].amount"},
		"too little":             {server, walletApply(walletGrant("r", walletGold(-1<<63))), "lines[0].amount"},
		"a grant that takes":     {server, walletApply(walletGrant("r", walletGold(-1))), "lines"},
		"no asset":               {server, walletApply(walletGrant("r", &profilev1.Line{Amount: 1})), "lines[0].asset"},
		"an asset of nothing":    {server, walletApply(walletGrant("r", &profilev1.Line{Asset: &profilev1.Asset{}, Amount: 1})), "lines[0].asset.id"},
		"an asset without name":  {server, walletApply(walletGrant("r", walletItem("", 1))), "lines[0].asset.item"},
		"an asset with a slash":  {server, walletApply(walletGrant("r", walletItem("a/b", 1))), "lines[0].asset.item"},
		"an asset with a pipe":   {server, walletApply(walletGrant("r", walletItem("a|b", 1))), "lines[0].asset.item"},
		"an asset with a blank":  {server, walletApply(walletGrant("r", walletItem("a ", 1))), "lines[0].asset.item"},
		"an asset in capitals":   {server, walletApply(walletGrant("r", walletItem("A", 1))), "lines[0].asset.item"},
		"an asset in Cyrillic":   {server, walletApply(walletGrant("r", walletItem("а", 1))), "lines[0].asset.item"},
		"a long asset":           {server, walletApply(walletGrant("r", walletItem(strings.Repeat("a", 65), 1))), "lines[0].asset.item"},
		"a reason with NUL":      {server, with(func(r *profilev1.ApplyRequest) { r.Reason = "a\x00" }), "reason"},
		"a reason that turns":    {server, with(func(r *profilev1.ApplyRequest) { r.Reason = "a\u202eb" }), "reason"},
		"a reason of two lines":  {server, with(func(r *profilev1.ApplyRequest) { r.Reason = "a\nb" }), "reason"},
		"a long reason":          {server, with(func(r *profilev1.ApplyRequest) { r.Reason = strings.Repeat("ä", 201) }), "reason"},
		"a reference with blank": {server, with(func(r *profilev1.ApplyRequest) { r.Reference = "a b" }), "reference"},
		"a long reference":       {server, with(func(r *profilev1.ApplyRequest) { r.Reference = strings.Repeat("a", 129) }), "reference"},
		"a spend that gives":     {player, walletSpend("s", walletGold(1)), "lines"},
		"a spend of nothing":     {player, walletSpend("s"), "lines"},
		"a spend without id":     {player, walletSpend("", walletGold(-1)), "request_id"},
		"whose wallet":           {server, walletGet("", 0, ""), "player_id"},
		"whose ledger":           {operator, walletLedger("", 0, ""), "player_id"},
		"a wallet of nobody":     {operator, walletVerify(""), "player_id"},
		"too large a page":       {player, walletGet("", 501, ""), "page_size"},
		"too large a list":       {player, walletLedger("", 201, ""), "page_size"},
		"less than nothing":      {player, walletGet("", -1, ""), "page_size"},
		"a made-up token":        {player, walletGet("", 0, "nonsense"), "page_token"},
		"a token of another":     {operator, walletGet(bob, 0, page.GetNextPageToken()), "page_token"},
		"a token of a wallet":    {player, walletLedger("", 0, page.GetNextPageToken()), "page_token"},
		"a long token":           {player, walletLedger("", 0, strings.Repeat("a", 16385)), "page_token"},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) { wantBadField(t, test.call(session(t), test.as), test.field, "") })
	}
	result, err := walletVerified(session(t), operator, ada)
	if err != nil || !result.GetOk() || result.GetEntries() != 1 {
		t.Errorf("something was written: %v, %v", result, err)
	}
}

// TestWalletErrorsOnTheWire: what the proto says about metadata arrives, also of forty assets.
func TestWalletErrorsOnTheWire(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	server := w.Dial(t, w.authority.GameServer("eu"))
	spend := func(lines ...*profilev1.Line) *fault.Error {
		r := walletGrant("s", lines...)
		r.Kind = profilev1.LedgerKind_LEDGER_KIND_SPEND
		return fault.As(walletApply(r)(session(t), server))
	}
	f := spend(walletGold(-10), walletItem("potion", -1))
	if f == nil || f.Kind != fault.FailedPrecondition || !maps.Equal(f.Metadata, map[string]string{"count": "2", "currency:gold": "0/10", "item:potion": "0/1"}) {
		t.Errorf("got %v with %v", f, f.Metadata)
	}
	f = spend(walletItems(40, -9007199254740991)...)
	if f == nil || f.Metadata["count"] != "40" || len(f.Metadata) < 20 {
		t.Errorf("got %v with %d facts", f, len(f.Metadata))
	}
}

// TestWalletErased: the wallet goes with the player.
func TestWalletErased(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	server := w.Dial(t, w.authority.GameServer("eu"))
	grant := walletApply(walletGrant("r", walletGold(5)))
	if err := grant(session(t), server); err != nil {
		t.Fatal(err)
	}
	erased, err := w.playerData(t, w.authority.Service("profile")).ErasePlayer(context.WithoutCancel(session(t)), &profilev1.ErasePlayerRequest{PlayerId: ada})
	if err != nil || !erased.GetDone() || erased.GetDeleted()["players"] != 6 {
		t.Errorf("%v, %v", erased, err)
	}
	if err := grant(session(t), server); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("the same grant afterwards: %v", err)
	}
}
