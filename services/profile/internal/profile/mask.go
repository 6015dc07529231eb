package profile

import (
	"slices"
	"strings"

	"supergame/services/platform/fault"
)

const maskField = "update_mask"

// The paths of a mask, as in the proto.
const (
	pathAll         = "*"
	pathDisplayName = "display_name"
	pathAvatar      = "avatar"
	pathCountry     = "country"
	pathLanguages   = "languages"
	pathSettings    = "private.settings"
	pathFlags       = "private.flags"
)

var (
	playersPaths   = []string{pathDisplayName, pathAvatar, pathCountry, pathLanguages, pathSettings}
	operatorsPaths = append(slices.Clone(playersPaths), pathFlags)
	outputPaths    = []string{"player_id", "join_time", "update_time", "etag", "suspended", "private.update_time", "private.etag"}
)

// mask is the set of fields that a change names: known, changeable, sorted, each once.
type mask []string

// parseMask checks the paths of an update mask against what the caller may change. `*` is all of it.
func parseMask(paths []string, caller Caller) (mask, error) {
	allowed := playersPaths
	if caller.Operator {
		allowed = operatorsPaths
	}
	if len(paths) == 0 {
		return nil, fault.Invalid(maskField, "names no field; `*` means every field that you may change")
	}
	if slices.Contains(paths, pathAll) {
		if len(paths) > 1 {
			return nil, fault.Invalid(maskField, "has other paths beside `*`")
		}
		return slices.Sorted(slices.Values(allowed)), nil
	}
	for _, path := range paths {
		if !slices.Contains(allowed, path) {
			return nil, fault.Invalid(maskField, "%q %s", shown(path), refusal(path))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(paths))), nil
}

// refusal says why a path cannot be changed.
func refusal(path string) string {
	switch {
	case slices.Contains(outputPaths, path):
		return "is output only"
	case slices.Contains(operatorsPaths, path):
		return "is changed by operators only"
	case path == "private":
		return "is too much at once: name the fields in it"
	}
	return "is not a field of a profile"
}

// shown keeps what a stranger wrote short enough for an error message.
func shown(path string) string {
	const limit = 64
	if len(path) > limit {
		return strings.ToValidUTF8(path[:limit], "") + "..."
	}
	return path
}

func (m mask) has(path string) bool { return slices.Contains(m, path) }

// touches says which parts of a player the mask names fields of.
func (m mask) touches() Parts {
	var parts Parts
	for _, path := range m {
		if strings.HasPrefix(path, "private.") {
			parts.Private = true
		} else {
			parts.Public = true
		}
	}
	return parts
}
