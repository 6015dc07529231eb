package leaderboard

import (
	"encoding/base64"
	"errors"
	"regexp"
	"time"

	"supergame/services/platform/config"
	"supergame/services/platform/fault"
)

// Config is the service's own part of the environment.
type Config struct {
	TieKey        config.Secret `env:"LEADERBOARD_TIE_KEY,required" help:"what decides between equal scores of the same millisecond, so that nobody can choose an id which wins: 32 random bytes in base64, for ever the same on all servers"`
	Region        string        `env:"LEADERBOARD_REGION" envDefault:"main" help:"the name of this deployment's write region, for ever the same, e.g. main"`
	Boards        []string      `env:"LEADERBOARD_BOARDS" help:"the boards that this deployment serves, e.g. daily,season; not set = all"`
	FeedInterval  time.Duration `env:"LEADERBOARD_FEED_INTERVAL" envDefault:"250ms" help:"how often the changes of entries are looked for when there are none, at about 1 RU for each physical partition and server, e.g. 250ms"`
	Heartbeat     time.Duration `env:"LEADERBOARD_HEARTBEAT" envDefault:"1s" help:"how often the age of the ranks is measured, at about 5 RU for each physical partition, e.g. 1s; 0 = it is estimated"`
	SeasonEvery   time.Duration `env:"LEADERBOARD_SEASON_INTERVAL" envDefault:"5s" help:"how often the ends of seasons, archives and rewards are looked for, at about 3 RU each time for all servers together, e.g. 5s"`
	SnapshotEvery time.Duration `env:"LEADERBOARD_SNAPSHOT_INTERVAL" envDefault:"1h" help:"how often the ranks are stored for servers that start, at about 25,000 RU for each million entries, e.g. 1h; 0 = never"`
	EraseLimit    int           `env:"LEADERBOARD_ERASE_LIMIT" envDefault:"200" help:"how many documents of a player one call of ErasePlayer erases"`
	ClockLimit    time.Duration `env:"LEADERBOARD_CLOCK_LIMIT" envDefault:"5s" help:"how far the clock may be off that of Cosmos DB, 5 s at most, e.g. 5s; 0 = it is not checked, which is for tests"`
}

var regionPattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// Validate refuses values that make no sense.
func (c Config) Validate() error {
	var problems []error
	if _, err := c.tieKey(); err != nil {
		problems = append(problems, err)
	}
	if !regionPattern.MatchString(c.Region) {
		problems = append(problems, config.Invalid("LEADERBOARD_REGION", "is %q, not 1 to 32 of a-z, 0-9 and -", c.Region))
	}
	if c.FeedInterval < time.Millisecond || c.FeedInterval > time.Minute {
		problems = append(problems, config.Invalid("LEADERBOARD_FEED_INTERVAL", "is %v, not from 1ms to 1m", c.FeedInterval))
	}
	if c.Heartbeat < 0 || c.Heartbeat > time.Minute {
		problems = append(problems, config.Invalid("LEADERBOARD_HEARTBEAT", "is %v, not from 0 to 1m", c.Heartbeat))
	}
	if c.SeasonEvery < time.Millisecond || c.SeasonEvery > time.Minute {
		problems = append(problems, config.Invalid("LEADERBOARD_SEASON_INTERVAL", "is %v, not from 1ms to 1m", c.SeasonEvery))
	}
	if c.SnapshotEvery < 0 || c.SnapshotEvery > maxSnapshotEvery {
		problems = append(problems, config.Invalid("LEADERBOARD_SNAPSHOT_INTERVAL", "is %v, not from 0 to %v", c.SnapshotEvery, maxSnapshotEvery))
	}
	if c.EraseLimit < 1 {
		problems = append(problems, config.Invalid("LEADERBOARD_ERASE_LIMIT", "is %d, not a positive number", c.EraseLimit))
	}
	if c.ClockLimit < 0 || c.ClockLimit > maxClockLimit {
		problems = append(problems, config.Invalid("LEADERBOARD_CLOCK_LIMIT", "is %v, not from 0 to %v", c.ClockLimit, maxClockLimit))
	}
	return errors.Join(problems...)
}

// maxClockLimit is what the end of a season allows for.
const maxClockLimit = 5 * time.Second

// maxSnapshotEvery is well within the age that a snapshot may have.
const maxSnapshotEvery = 7 * 24 * time.Hour

const keyBytes = 32

func (c Config) tieKey() ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(c.TieKey.Reveal())
	if err != nil || len(key) != keyBytes {
		return nil, config.Invalid("LEADERBOARD_TIE_KEY", "is not %d bytes in base64", keyBytes)
	}
	return key, nil
}

// checkClock is part of readiness: seasons end by this machine's clock.
func (s *Service) checkClock() error {
	if off := s.deps.Cosmos.ClockDifference(); s.cfg.ClockLimit > 0 && off.Abs() > s.cfg.ClockLimit {
		return fault.New(fault.Unavailable, "CLOCK_WRONG", "the clock is %v ahead of the store's, which is more than %v", off, s.cfg.ClockLimit)
	}
	return nil
}
