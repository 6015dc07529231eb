package profile

import (
	"supergame/services/platform/config"
	"supergame/services/profile/internal/save"
)

// SaveConfig says how much a player may save. Where it is made by hand, zero means the default.
type SaveConfig struct {
	SaveSlots int   `env:"PROFILE_SAVE_SLOTS" envDefault:"20" help:"how many saves a player may keep, 1 to 50"`
	SaveBytes int64 `env:"PROFILE_SAVE_BYTES" envDefault:"8388608" help:"how many bytes the contents of a player's saves may have in all, e.g. 8388608"`
}

// The most that saves may be configured to. What is known of all saves of a player stands in one document, which is written in one batch of
// at most 2 MB with a content; and all of a player's documents share 20 GB.
const (
	mostSaveSlots = 50
	mostSaveBytes = mostSaveSlots * save.MaxContent
)

// Validate refuses values that make no sense.
func (c SaveConfig) Validate() error {
	if c.SaveSlots < 1 || c.SaveSlots > mostSaveSlots {
		return config.Invalid("PROFILE_SAVE_SLOTS", "is %d, not within 1 to %d", c.SaveSlots, mostSaveSlots)
	}
	if c.SaveBytes < 1 || c.SaveBytes > mostSaveBytes {
		return config.Invalid("PROFILE_SAVE_BYTES", "is %d, not within 1 to %d", c.SaveBytes, mostSaveBytes)
	}
	return nil
}

func (c SaveConfig) quota() save.Quota {
	quota := save.Quota{Slots: 20, Bytes: 8 << 20}
	if c.SaveSlots != 0 {
		quota.Slots = c.SaveSlots
	}
	if c.SaveBytes != 0 {
		quota.Bytes = c.SaveBytes
	}
	return quota
}
