package rpc

import (
	"context"
	"encoding/json"
	"net/http"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/signing"
	"supergame/services/platform/auth"
)

// GetKeys gives the public keys.
func (s *Identity) GetKeys(ctx context.Context, _ *identityv1.GetKeysRequest) (*identityv1.GetKeysResponse, error) {
	keys, err := s.nouns.Keys.Published(ctx)
	if err != nil {
		return nil, err
	}
	response := &identityv1.GetKeysResponse{}
	for _, k := range keys {
		jwk, err := publicJWK(k)
		if err != nil {
			return nil, err
		}
		response.Keys = append(response.Keys, &identityv1.SigningKey{Kid: k.KID, Jwk: string(jwk), ExpireTime: timestamppb.New(k.ExpireTime)})
	}
	return response, nil
}

func publicJWK(k signing.Key) ([]byte, error) {
	return auth.MarshalJWK(auth.Key{ID: k.KID, Public: k.Private.Public()})
}

// JWKS serves the public keys as a JSON Web Key Set. They may be cached for an hour: each is published a day before its first use.
func JWKS(keys Keys) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		published, err := keys.Published(r.Context())
		if err != nil {
			http.Error(w, "the keys are not known yet", http.StatusServiceUnavailable)
			return
		}
		set := struct {
			Keys []json.RawMessage `json:"keys"`
		}{Keys: []json.RawMessage{}}
		for _, k := range published {
			jwk, err := publicJWK(k)
			if err != nil {
				http.Error(w, "a key cannot be encoded", http.StatusInternalServerError)
				return
			}
			set.Keys = append(set.Keys, jwk)
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_ = json.NewEncoder(w).Encode(set) // the client went away
	})
}
