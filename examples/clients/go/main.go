// Command validate reads a token from standard input and asks Countersign whether it is good.
//
// Exit codes: 0 valid, 1 refused, 2 wrong usage, 3 nobody can tell.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"example.com/validate/countersign"
	pb "example.com/validate/gen/countersign/v1"
)

const (
	valid = iota
	isRefused
	usage
	cannotTell
)

func main() {
	os.Exit(run())
}

func run() int {
	address := flag.String("address", addressFromEnvironment(), "HOST:PORT or dns:///HOST:PORT")
	timeout := flag.Duration("timeout", time.Second, "for the call, with its retries")
	var caFile *string // an empty name is no file, and no leave to do without TLS
	flag.Func("ca-file", "use TLS, and trust the authorities in this PEM file", func(name string) error {
		caFile = &name
		return nil
	})
	serverName := flag.String("server-name", "", "the name in the server's certificate, if it is not the address's")
	flag.Parse()

	creds := countersign.Plaintext()
	if caFile != nil {
		var err error
		if creds, err = countersign.TLS(*caFile, *serverName); err != nil {
			return fail(err)
		}
	}
	validator, err := countersign.Dial(*address, *timeout, creds)
	if err != nil {
		return fail(err)
	}
	defer validator.Close()
	token, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fail(err)
	}
	info, err := validator.Validate(context.Background(), &pb.ValidateRequest{
		Token: strings.TrimSpace(string(token)),
	})
	return report(info, err)
}

func report(info *pb.TokenInfo, err error) int {
	if err == nil {
		fmt.Println("valid:", info.GetSubject())
		return valid
	}
	if refused, ok := errors.AsType[*countersign.Refused](err); ok {
		fmt.Println("refused:", refused.Reason)
		return isRefused
	}
	trouble := status.Convert(err)
	fmt.Println(strings.TrimSpace(fmt.Sprintf("cannot tell: %s %s", code.Code(trouble.Code()), reason(trouble))))
	fmt.Fprintln(os.Stderr, trouble.Message())
	return cannotTell
}

// reason is google.rpc.ErrorInfo.reason, which says more than the code.
func reason(trouble *status.Status) string {
	for _, detail := range trouble.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func addressFromEnvironment() string {
	if address := os.Getenv("COUNTERSIGN_ADDRESS"); address != "" {
		return address
	}
	return "127.0.0.1:50051"
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return usage
}
