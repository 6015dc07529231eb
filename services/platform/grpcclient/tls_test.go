package grpcclient_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
)

// https means TLS with a certificate of an authority that is known, by the file or by the system.
func TestTLS(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})))
	(&fixture{get: func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		return &profilev1.GetProfileResponse{}, nil
	}}).Register(server)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	defer server.Stop()

	for caFile, known := range map[string]bool{file: true, "": false} {
		conn, err := grpcclient.Dial("https://"+listener.Addr().String(), grpcclient.Options{CAFile: caFile, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = profilev1.NewProfileServiceClient(conn).GetProfile(t.Context(), &profilev1.GetProfileRequest{})
		if known != (err == nil) || !known && !fault.Is(err, fault.Unavailable) {
			t.Errorf("authority known %v: %v", known, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
