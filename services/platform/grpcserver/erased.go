package grpcserver

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "supergame/proto/gen/supergame/options/v1"
	"supergame/services/platform/fault"
)

// fieldPath leads from a message to a field, through singular, repeated and map fields of messages.
type fieldPath []protoreflect.FieldDescriptor

// playerFields finds every field that names players (option supergame.options.v1.player_id), also in nested messages; a
// message inside itself is not followed again.
func playerFields(message protoreflect.MessageDescriptor) []fieldPath {
	var found []fieldPath
	var walk func(message protoreflect.MessageDescriptor, path fieldPath, above []protoreflect.FullName)
	walk = func(message protoreflect.MessageDescriptor, path fieldPath, above []protoreflect.FullName) {
		if slices.Contains(above, message.FullName()) {
			return
		}
		above = append(slices.Clip(above), message.FullName())
		for i := range message.Fields().Len() {
			field := message.Fields().Get(i)
			here := append(slices.Clip(path), field)
			names, _ := proto.GetExtension(field.Options(), optionsv1.E_PlayerId).(bool)
			switch inner := innerMessage(field); {
			case names && isText(field):
				found = append(found, here)
			case inner != nil:
				walk(inner, here, above)
			}
		}
	}
	walk(message, nil, nil)
	return found
}

// isText reports whether a field, its elements or its map values are strings.
func isText(field protoreflect.FieldDescriptor) bool {
	if field.IsMap() {
		return field.MapValue().Kind() == protoreflect.StringKind
	}
	return field.Kind() == protoreflect.StringKind
}

// innerMessage returns the message type of a field, of its elements or of its map values; nil for a scalar.
func innerMessage(field protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if field.IsMap() {
		return field.MapValue().Message()
	}
	return field.Message()
}

// find returns the first id at the end of the path that is wanted, or "".
func (p fieldPath) find(message protoreflect.Message, wanted func(id string) bool) string {
	field := p[0]
	if !message.Has(field) {
		return ""
	}
	value := message.Get(field)
	at := func(v protoreflect.Value) string {
		if len(p) > 1 {
			return p[1:].find(v.Message(), wanted)
		}
		if id := v.String(); wanted(id) {
			return id
		}
		return ""
	}
	found := ""
	switch {
	case field.IsMap():
		value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
			found = at(v)
			return found == ""
		})
	case field.IsList():
		list := value.List()
		for i := 0; i < list.Len() && found == ""; i++ {
			found = at(list.Get(i))
		}
	default:
		found = at(value)
	}
	return found
}

// refuseErased answers a request that names an erased player as if he had never been.
func (c *chain) refuseErased(m *method, message proto.Message) error {
	if len(m.players) == 0 || !c.verifier.AnyErased() {
		return nil
	}
	reflected := message.ProtoReflect()
	for _, path := range m.players {
		if id := path.find(reflected, c.verifier.Erased); id != "" {
			return fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no player %s", id).With("player_id", id)
		}
	}
	return nil
}
