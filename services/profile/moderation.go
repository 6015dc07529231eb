package profile

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"supergame/services/platform/config"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/text"
	"supergame/services/profile/internal/clients"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/moderation"
)

// ContentSafetyScope is the scope of the Entra tokens that [Deps.ContentSafetyToken] gives.
const ContentSafetyScope = clients.ContentSafetyScope

// ModerationConfig says which texts others may see. The word list always applies; Azure AI Content Safety is asked when there is an
// endpoint, with a key or as the managed identity, which needs the role Cognitive Services User on the resource. The texts go to that resource.
type ModerationConfig struct {
	WordsFile  string                `env:"PROFILE_WORDS_FILE" help:"a file with the words that may not stand in a name, instead of the list that is built in; an empty file = no word is refused"`
	Endpoint   string                `env:"PROFILE_CONTENT_SAFETY_ENDPOINT" help:"the endpoint of Azure AI Content Safety, e.g. https://games.cognitiveservices.azure.com; not set = it is not asked"`
	Key        config.Secret         `env:"PROFILE_CONTENT_SAFETY_KEY" help:"a key of the Content Safety resource, where there is no managed identity"`
	Blocklists []string              `env:"PROFILE_CONTENT_SAFETY_BLOCKLISTS" help:"names of blocklists of the Content Safety resource whose hits are refused, e.g. names,brands"`
	Timeout    time.Duration         `env:"PROFILE_CONTENT_SAFETY_TIMEOUT" envDefault:"2s" help:"how long Content Safety may take for one text, 50ms to 10s, e.g. 2s"`
	Refuse     moderation.Severities `env:"PROFILE_CONTENT_SAFETY_REFUSE" envDefault:"Hate=4,SelfHarm=4,Sexual=4,Violence=4" help:"from which severity on a text is refused, e.g. Hate=4,SelfHarm=4,Sexual=4,Violence=4, or off"`
	Review     moderation.Severities `env:"PROFILE_CONTENT_SAFETY_REVIEW" envDefault:"Hate=2,SelfHarm=2,Sexual=2,Violence=2" help:"from which severity on a text is accepted and reviewed later, e.g. Hate=2,SelfHarm=2,Sexual=2,Violence=2, or off"`
	Unanswered moderation.Then       `env:"PROFILE_CONTENT_SAFETY_UNANSWERED" envDefault:"review" help:"what happens to a text when Content Safety does not answer: review (accept it and review it later) or refuse (with UNAVAILABLE)"`
}

// Limits of the time for Content Safety.
const (
	minSafetyTimeout = 50 * time.Millisecond
	maxSafetyTimeout = 10 * time.Second
)

// Validate refuses values that make no sense. It reads the word list.
func (c ModerationConfig) Validate() error {
	var problems []error
	if _, err := c.words(); err != nil {
		problems = append(problems, config.Invalid("PROFILE_WORDS_FILE", "names a file that is not a word list: %v", err))
	}
	if c.Endpoint != "" {
		problems = append(problems, c.validateSafety()...)
	} else if !c.Key.IsZero() {
		problems = append(problems, config.Invalid("PROFILE_CONTENT_SAFETY_KEY", "is set, but PROFILE_CONTENT_SAFETY_ENDPOINT is not"))
	}
	return errors.Join(problems...)
}

func (c ModerationConfig) validateSafety() (problems []error) {
	if problem := badEndpoint(c.Endpoint); problem != "" {
		problems = append(problems, config.Invalid("PROFILE_CONTENT_SAFETY_ENDPOINT", "%s", problem))
	}
	if c.Timeout < minSafetyTimeout || c.Timeout > maxSafetyTimeout {
		problems = append(problems, config.Invalid("PROFILE_CONTENT_SAFETY_TIMEOUT", "is %v, not from %v to %v", c.Timeout, minSafetyTimeout, maxSafetyTimeout))
	}
	if c.Unanswered != moderation.ThenReview && c.Unanswered != moderation.ThenRefuse {
		problems = append(problems, config.Invalid("PROFILE_CONTENT_SAFETY_UNANSWERED", "is %q", c.Unanswered))
	}
	if category := c.policy().Unreachable(); category != "" {
		problems = append(problems, config.Invalid("PROFILE_CONTENT_SAFETY_REVIEW", "has %s=%d, which PROFILE_CONTENT_SAFETY_REFUSE refuses already",
			category, c.Review[category]))
	}
	if len(c.Refuse) == 0 && len(c.Review) == 0 && len(c.Blocklists) == 0 {
		problems = append(problems, config.Invalid("PROFILE_CONTENT_SAFETY_REFUSE", "is off, and so is everything else that Content Safety could be asked for"))
	}
	return problems
}

// badEndpoint says what is wrong with an endpoint; "" = nothing. Texts and keys travel in the clear to this machine only.
func badEndpoint(endpoint string) string {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return "is not an address like https://games.cognitiveservices.azure.com"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"):
		return ""
	}
	return "does not begin with https"
}

func (c ModerationConfig) policy() moderation.Policy {
	return moderation.Policy{Refuse: c.Refuse, Review: c.Review, Timeout: c.Timeout, Unanswered: c.Unanswered}
}

// words are the words of the file, or the list that is built in.
func (c ModerationConfig) words() (*text.WordList, error) {
	if c.WordsFile == "" {
		return text.DefaultWordList(), nil
	}
	content, err := os.ReadFile(c.WordsFile)
	if err != nil {
		return nil, err
	}
	return text.ReadWordList(bytes.NewReader(content))
}

// newModerator builds the moderator of texts that go to a queue.
func newModerator(c ModerationConfig, reviews *moderation.Reviews, deps Deps) (*moderation.Moderator, error) {
	words, err := c.words()
	if err != nil {
		return nil, fmt.Errorf("profile: the word list: %w", err)
	}
	m := &moderation.Moderator{Words: words, Policy: c.policy(), Reviews: reviews, Log: deps.Logger}
	if c.Endpoint == "" {
		return m, nil
	}
	authorize := clients.SubscriptionKey(c.Key.Reveal())
	if c.Key.IsZero() {
		if deps.ContentSafetyToken == nil {
			return nil, errors.New("profile: PROFILE_CONTENT_SAFETY_ENDPOINT is set, and there is neither PROFILE_CONTENT_SAFETY_KEY nor a managed identity")
		}
		authorize = clients.Bearer(deps.ContentSafetyToken)
	}
	m.Analyzer = &clients.ContentSafety{
		Endpoint: c.Endpoint, Blocklists: c.Blocklists, Authorize: authorize, Client: clients.NewHTTPClient(),
	}
	return m, nil
}

// newReviews builds the queue. Who may remove a text is added by field.
func newReviews(deps Deps) *moderation.Reviews {
	return &moderation.Reviews{
		Store: cosmosstore.NewReviews(deps.Cosmos), Removers: map[moderation.Field]moderation.Remover{},
		Tokens: pagetoken.New(nil), Now: deps.Now, Log: deps.Logger,
	}
}

// finishEvery is how often removals are looked for that are to be finished.
const finishEvery = 30 * time.Second
