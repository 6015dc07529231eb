package cosmos

import "strings"

// foreignToken recognizes the SDK's refusal of a feed token of another container, as of one that was dropped and made again. The error
// has no type of its own.
func foreignToken(err error) bool {
	return err != nil && strings.Contains(err.Error(), "issued for a different container")
}
