// Package clients reaches what the service asks of others, behind the interfaces that its nouns declare.
package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"supergame/services/profile/internal/moderation"
)

// ContentSafetyScope is the scope of the Entra tokens that Azure AI Content Safety accepts.
const ContentSafetyScope = "https://cognitiveservices.azure.com/.default"

const (
	analyzePath     = "/contentsafety/text:analyze?api-version=2024-09-01"
	maxAnswer       = 256 << 10 // bytes
	maxSeverity     = 7
	headerSafetyKey = "Ocp-Apim-Subscription-Key"
)

// Authorize adds to a request's header what proves who asks.
type Authorize func(ctx context.Context, header http.Header) error

// SubscriptionKey authorizes with a key of the resource.
func SubscriptionKey(key string) Authorize {
	return func(_ context.Context, header http.Header) error {
		header.Set(headerSafetyKey, key)
		return nil
	}
}

// Bearer authorizes with tokens of Microsoft Entra for [ContentSafetyScope]. The source keeps them until they expire.
func Bearer(token func(context.Context) (string, error)) Authorize {
	return func(ctx context.Context, header http.Header) error {
		t, err := token(ctx)
		if err != nil {
			return err
		}
		header.Set("Authorization", "Bearer "+t)
		return nil
	}
}

// ContentSafety rates texts with Azure AI Content Safety. It is a [moderation.Analyzer], and safe for concurrent use.
// https://learn.microsoft.com/rest/api/contentsafety/text-operations/analyze-text
type ContentSafety struct {
	Endpoint   string // https://{resource}.cognitiveservices.azure.com
	Blocklists []string
	Authorize  Authorize
	Client     *http.Client // see NewHTTPClient
}

// idleConnections to Content Safety are kept: one for each name that is checked at the same time.
const idleConnections = 64

// NewHTTPClient returns a client for [ContentSafety]. It follows no redirect, which would take the text and the key to another server. A call
// ends with its context.
func NewHTTPClient() *http.Client {
	var transport http.RoundTripper
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		own := standard.Clone()
		own.MaxIdleConnsPerHost = idleConnections
		transport = own
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Analyze rates every part of the text and gives the highest severity of each category. It tries again within the context's deadline
// what is worth another try, as late as the service asks for.
func (c *ContentSafety) Analyze(ctx context.Context, text string, categories []moderation.Category) (moderation.Analysis, error) {
	whole := moderation.Analysis{Severities: map[moderation.Category]int{}}
	for _, part := range split(text, maxCodePoints) {
		a, err := c.analyzePart(ctx, part, categories)
		if err != nil {
			return moderation.Analysis{}, err
		}
		if whole.Blocked = a.Blocked; whole.Blocked {
			return whole, nil
		}
		for category, severity := range a.Severities {
			whole.Severities[category] = max(whole.Severities[category], severity)
		}
	}
	return whole, nil
}

type safetyRequest struct {
	Text               string                `json:"text"`
	Categories         []moderation.Category `json:"categories,omitempty"`
	BlocklistNames     []string              `json:"blocklistNames,omitempty"`
	HaltOnBlocklistHit bool                  `json:"haltOnBlocklistHit"`
	OutputType         string                `json:"outputType"`
}

func (c *ContentSafety) analyzePart(ctx context.Context, text string, categories []moderation.Category) (moderation.Analysis, error) {
	body, err := json.Marshal(safetyRequest{
		Text: text, Categories: categories, BlocklistNames: c.Blocklists, HaltOnBlocklistHit: true, OutputType: "FourSeverityLevels",
	})
	if err != nil {
		return moderation.Analysis{}, err
	}
	for try := 0; ; try++ {
		answer, err := c.once(ctx, body)
		if err == nil {
			return readAnalysis(answer, categories)
		}
		var passing *passingError
		if !errors.As(err, &passing) || !waitToRetry(ctx, try, passing.after) {
			return moderation.Analysis{}, err
		}
	}
}

// once sends one request and returns the body of a good answer.
func (c *ContentSafety) once(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Endpoint, "/")+analyzePath, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if err := c.Authorize(ctx, req.Header); err != nil {
		return nil, fmt.Errorf("no credential for content safety: %w", err)
	}
	response, err := c.Client.Do(req)
	if err != nil {
		return nil, &passingError{cause: err}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, refusal(response)
	case err != nil:
		return nil, &passingError{cause: err}
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("content safety answers with more than %d bytes", maxAnswer)
	}
	return answer, nil
}

// refusal is the error of an answer that is not 200. The body is left out: it may repeat the text.
func refusal(response *http.Response) error {
	err := fmt.Errorf("content safety answers with %s (x-ms-error-code %.64q)", response.Status, response.Header.Get("X-Ms-Error-Code"))
	if response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= http.StatusInternalServerError {
		return &passingError{cause: err, after: retryAfter(response.Header, time.Now())}
	}
	return err
}

type safetyAnswer struct {
	BlocklistsMatch    []json.RawMessage `json:"blocklistsMatch"`
	CategoriesAnalysis []struct {
		Category moderation.Category `json:"category"`
		Severity *int                `json:"severity"`
	} `json:"categoriesAnalysis"`
}

// readAnalysis understands an answer. One that does not rate every category, without a blocklist that explains it, is none: a text is
// never taken for harmless because something is missing.
func readAnalysis(body []byte, categories []moderation.Category) (moderation.Analysis, error) {
	var answer safetyAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return moderation.Analysis{}, fmt.Errorf("content safety answers with what is not the documented JSON: %w", err)
	}
	a := moderation.Analysis{Severities: map[moderation.Category]int{}, Blocked: len(answer.BlocklistsMatch) > 0}
	for _, rated := range answer.CategoriesAnalysis {
		if !slices.Contains(categories, rated.Category) {
			continue
		}
		if rated.Severity == nil || *rated.Severity < 0 || *rated.Severity > maxSeverity {
			return moderation.Analysis{}, fmt.Errorf("content safety gives %s no severity from 0 to %d", rated.Category, maxSeverity)
		}
		a.Severities[rated.Category] = max(a.Severities[rated.Category], *rated.Severity)
	}
	for _, category := range categories {
		if _, rated := a.Severities[category]; !rated && !a.Blocked {
			return moderation.Analysis{}, fmt.Errorf("content safety does not rate %s", category)
		}
	}
	if categories == nil && answer.CategoriesAnalysis == nil && !a.Blocked {
		return moderation.Analysis{}, errors.New("content safety answers without an analysis")
	}
	return a, nil
}
