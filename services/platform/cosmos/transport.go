package cosmos

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"time"

	"supergame/services/platform/fault"
)

// transportWithCA is the SDK's default HTTP client (azcosmos v1.5.0, cosmos_default_http_client.go), which it does not
// export, with one more certificate authority to trust.
func transportWithCA(file string) (*http.Client, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.FailedPrecondition, "STORE_CONFIG", "COSMOS_CA_FILE %q cannot be read", file).Because(err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.FailedPrecondition, "STORE_CONFIG", "COSMOS_CA_FILE %q holds no PEM certificate", file)
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          1000,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, Renegotiation: tls.RenegotiateFreelyAsClient, RootCAs: roots},
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: time.Second},
	}
	return &http.Client{Transport: transport, Timeout: 65 * time.Second}, nil
}
