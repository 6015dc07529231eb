package grpcclient

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/config"
)

// Credential proves to identity which program this is.
type Credential interface {
	SignInRequest(ctx context.Context) (*identityv1.SignInClientRequest, error)
}

// ClientKey is a name and its key, for local runs and platforms without workload identities.
func ClientKey(clientID string, key config.Secret) Credential {
	return clientKey{id: clientID, key: key}
}

type clientKey struct {
	id  string
	key config.Secret
}

func (c clientKey) SignInRequest(context.Context) (*identityv1.SignInClientRequest, error) {
	return &identityv1.SignInClientRequest{Credential: &identityv1.SignInClientRequest_ClientKey{
		ClientKey: &identityv1.ClientKeyCredential{ClientId: c.id, ClientKey: c.key.Reveal()},
	}}, nil
}

// Workload is the identity that the platform gives this program: azidentity's DefaultAzureCredential or ManagedIdentityCredential. The scope
// names the audience that identity expects, e.g. api://supergame/.default.
func Workload(credential azcore.TokenCredential, scope string) Credential {
	return workload{credential: credential, scope: scope}
}

type workload struct {
	credential azcore.TokenCredential
	scope      string
}

func (w workload) SignInRequest(ctx context.Context) (*identityv1.SignInClientRequest, error) {
	issued, err := w.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{w.scope}})
	if err != nil {
		return nil, fmt.Errorf("getting the workload's token for %s: %w", w.scope, err)
	}
	return &identityv1.SignInClientRequest{Credential: &identityv1.SignInClientRequest_Workload{
		Workload: &identityv1.WorkloadCredential{Token: issued.Token},
	}}, nil
}
