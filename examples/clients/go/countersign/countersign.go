// Package countersign asks a Countersign service whether tokens are good.
package countersign

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	pb "example.com/validate/gen/countersign/v1"
)

// Retries are for calls that only ask. Refresh is not idempotent: a retry could use a refresh token up without anybody
// getting the new one, so it is not named here, and neither is the whole service. round_robin spreads the calls over all
// addresses that the name resolves to.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [
      {"service": "countersign.v1.TokenService", "method": "Validate"},
      {"service": "countersign.v1.TokenService", "method": "BatchValidate"}
    ],
    "retryPolicy": {
      "maxAttempts": 3,
      "initialBackoff": "0.05s",
      "maxBackoff": "0.5s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }],
  "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
}`

// Refused is the answer about a token that is not good. Any other error means that nobody could tell.
type Refused struct {
	// Reason is a name such as EXPIRED, or a number if this client is too old to know it.
	Reason string
	// Message is for people.
	Message string
	// Recovery says what can be done about it.
	Recovery pb.Recovery
}

func (r *Refused) Error() string {
	return fmt.Sprintf("token refused: %s: %s", r.Reason, r.Message)
}

// Validator is one connection for the whole process, safe for concurrent use.
type Validator struct {
	conn    *grpc.ClientConn
	service pb.TokenServiceClient
	timeout time.Duration
}

// Dial prepares a connection; it is made when it is first needed. The address is HOST:PORT or dns:///HOST:PORT. The
// timeout is for one call, with its retries.
func Dial(address string, timeout time.Duration, creds credentials.TransportCredentials) (*Validator, error) {
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultServiceConfig(serviceConfig))
	if err != nil {
		return nil, err
	}
	return &Validator{conn: conn, service: pb.NewTokenServiceClient(conn), timeout: timeout}, nil
}

// Close ends the connection.
func (v *Validator) Close() error {
	return v.conn.Close()
}

// Validate returns what a good token says. The error is a *Refused if the token is not good.
func (v *Validator) Validate(ctx context.Context, request *pb.ValidateRequest) (*pb.TokenInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	response, err := v.service.Validate(ctx, request)
	if err != nil {
		return nil, err // nobody could tell
	}
	// docs: begin
	switch outcome := response.GetOutcome().(type) {
	case *pb.ValidateResponse_Token:
		return outcome.Token, nil
	case *pb.ValidateResponse_Rejection:
		return nil, refused(outcome.Rejection)
	default: // nothing that this client knows: not a yes
		return nil, &Refused{Reason: "NO_OUTCOME"}
	}
	// docs: end
}

func refused(rejection *pb.Rejection) *Refused {
	return &Refused{
		Reason:   strings.TrimPrefix(rejection.GetReason().String(), "REASON_"),
		Message:  rejection.GetMessage(),
		Recovery: rejection.GetRecovery(),
	}
}

// Plaintext is for a service on this machine.
func Plaintext() credentials.TransportCredentials {
	return insecure.NewCredentials()
}

// TLS trusts the certificate authorities in a PEM file only. The server must have a certificate for serverName or, if
// that is empty, for the host in the address.
func TLS(caFile, serverName string) (credentials.TransportCredentials, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + caFile)
	}
	return credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: serverName, MinVersion: tls.VersionTLS12}), nil
}
