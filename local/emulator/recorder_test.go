package emulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"supergame/local/emulator/emulatortest"
)

// recorder is a transport that keeps the account document on its way.
type recorder struct {
	e       *emulatortest.Emulator
	account map[string]any
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	resp, err := r.e.Do(req)
	if err != nil || req.URL.Path != "/" && req.URL.Path != "" {
		return resp, err
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp, json.Unmarshal(b, &r.account)
}

func clientOptions(transport policy.Transporter) azcore.ClientOptions {
	return azcore.ClientOptions{Transport: transport, Retry: policy.RetryOptions{MaxRetries: -1}}
}
