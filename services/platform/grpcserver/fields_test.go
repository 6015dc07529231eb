package grpcserver

import (
	"net/netip"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "supergame/proto/gen/supergame/options/v1"
)

// teams has ids of players in every place where a field can stand, and a message inside itself.
const teams = `
name: "teams.proto" syntax: "proto3" dependency: "supergame/options/v1/access.proto"
message_type {
  name: "Team"
  field { name: "captain_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL options { [supergame.options.v1.player_id]: true } }
  field { name: "member_ids" number: 2 type: TYPE_STRING label: LABEL_REPEATED options { [supergame.options.v1.player_id]: true } }
  field { name: "name" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "rivals" number: 4 type: TYPE_MESSAGE type_name: ".Team" label: LABEL_REPEATED }
}
message_type {
  name: "Match"
  field { name: "home" number: 1 type: TYPE_MESSAGE type_name: ".Team" label: LABEL_OPTIONAL }
  field { name: "guests" number: 2 type: TYPE_MESSAGE type_name: ".Team" label: LABEL_REPEATED }
  field { name: "by_seat" number: 3 type: TYPE_MESSAGE type_name: ".Match.BySeatEntry" label: LABEL_REPEATED }
  field { name: "by_score" number: 4 type: TYPE_MESSAGE type_name: ".Match.ByScoreEntry" label: LABEL_REPEATED options { [supergame.options.v1.player_id]: true } }
  nested_type {
    name: "BySeatEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".Team" label: LABEL_OPTIONAL }
  }
  nested_type {
    name: "ByScoreEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
  }
}`

func TestPlayerFields(t *testing.T) {
	var described descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(teams), &described); err != nil {
		t.Fatal(err)
	}
	file, err := protodesc.NewFile(&described, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	match := file.Messages().ByName("Match")
	paths := playerFields(match)
	for text, found := range map[string]bool{
		`home { captain_id: "erased" }`:                                      true,
		`home { member_ids: "a" member_ids: "erased" }`:                      true,
		`guests { captain_id: "a" } guests { member_ids: "erased" }`:         true,
		`by_seat { key: "1" value { captain_id: "erased" } }`:                true,
		`by_score { key: "1" value: "erased" }`:                              true,
		`home { name: "erased" }`:                                            false,
		`by_score { key: "erased" value: "a" }`:                              false,
		`home { rivals { captain_id: "erased" } }`:                           false, // not followed: a message inside itself
		`home { captain_id: "a" } guests { } by_seat { key: "1" value { } }`: false,
		``: false,
	} {
		message := dynamicpb.NewMessage(match)
		if err := prototext.Unmarshal([]byte(text), message); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, path := range paths {
			if got == "" {
				got = path.find(message, func(id string) bool { return id == "erased" })
			}
		}
		if (got == "erased") != found {
			t.Errorf("%s: found %q", text, got)
		}
	}
}

// Whatever stands in X-Forwarded-For, what is read as an address counts under one key.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"1.2.3.4", "1.2.3.4:5", "::1", "[2001:db8::1]:443", "fe80::1%eth0", "unknown", "[", "::ffff:1.2.3.4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, ok := parseAddress(text)
		if ok != address.IsValid() {
			t.Fatalf("%q: %v, %v", text, address, ok)
		}
		key := rateKey(address)
		if ok == (key == "") {
			t.Fatalf("%q has key %q", text, key)
		}
		if again, err := netip.ParsePrefix(key); err == nil && rateKey(again.Addr()) != key {
			t.Errorf("%q: key %q is not stable", text, key)
		}
	})
}
