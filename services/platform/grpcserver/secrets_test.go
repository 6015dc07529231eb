package grpcserver_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	optionsv1 "supergame/proto/gen/supergame/options/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// withSecrets returns a message for each field below a type that is marked as a secret, with this value in it.
func withSecrets(desc protoreflect.MessageDescriptor, value string) []protoreflect.Message {
	var found []protoreflect.Message
	for i := range desc.Fields().Len() {
		field := desc.Fields().Get(i)
		hidden, _ := proto.GetExtension(field.Options(), optionsv1.E_Secret).(bool)
		set := func(v protoreflect.Value) {
			message := dynamicpb.NewMessage(desc)
			if field.IsList() {
				message.Mutable(field).List().Append(v)
			} else {
				message.Set(field, v)
			}
			found = append(found, message)
		}
		switch {
		case hidden && field.Kind() == protoreflect.StringKind:
			set(protoreflect.ValueOfString(value))
		case hidden && field.Kind() == protoreflect.BytesKind:
			set(protoreflect.ValueOfBytes([]byte(value)))
		case field.Message() != nil && !field.IsMap():
			for _, inner := range withSecrets(field.Message(), value) {
				set(protoreflect.ValueOfMessage(inner))
			}
		}
	}
	return found
}

// What a proto marks as secret is neither logged nor repeated to the caller, whether the request is refused by the rules or fails later.
func TestSecretFieldsAreNotLogged(t *testing.T) {
	var out journal
	deps := grpcserver.Deps{Logger: out.logger()}
	s := grpcservertest.StartWith(t, grpcserver.Config{}, deps, newFixture(), &identityFixture{plainService: plainService{name: "identity"}})
	const mark = "hush-0123456789"
	calls := 0
	for _, token := range []string{"", s.Authority.Player(playerA), s.Authority.Operator("o"), s.Authority.Service("identity")} {
		conn := s.Dial(t, token)
		for _, file := range []protoreflect.FileDescriptor{identityv1.File_supergame_identity_v1_identity_proto, profilev1.File_supergame_profile_v1_profile_proto} {
			for i := range file.Services().Len() {
				methods := file.Services().Get(i).Methods()
				for j := range methods.Len() {
					method := methods.Get(j)
					if method.IsStreamingClient() || method.IsStreamingServer() {
						continue
					}
					for _, value := range []string{mark, mark + " with a space/\u202e", mark + strings.Repeat("x", 20_000), ""} {
						for _, request := range withSecrets(method.Input(), value) {
							calls++
							name := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
							err := conn.Invoke(t.Context(), name, request.Interface(), dynamicpb.NewMessage(method.Output()))
							if err == nil || strings.Contains(err.Error(), mark) {
								t.Errorf("%s: %v", name, err)
							}
						}
					}
				}
			}
		}
	}
	if calls < 50 {
		t.Errorf("only %d calls: are secrets marked?", calls)
	}
	out.lines(t, calls)
	if at := strings.Index(out.String(), mark); at >= 0 {
		t.Errorf("the log holds a secret: ...%s", out.String()[max(at-300, 0):at+len(mark)])
	}
}
