package example;

import io.countersign.v1.TokenInfo;
import io.countersign.v1.ValidateRequest;
import io.countersign.v1.ValidateResponse;
import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Asks a Countersign service whether tokens are good. One for the whole process, safe to share
 * between threads.
 */
public final class Validator implements AutoCloseable {
  private static final String SERVICE = "countersign.v1.TokenService";

  /** One method needs no generated stub, and so no code generator beside protoc. */
  private static final MethodDescriptor<ValidateRequest, ValidateResponse> VALIDATE =
      MethodDescriptor.<ValidateRequest, ValidateResponse>newBuilder()
          .setType(MethodType.UNARY)
          .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Validate"))
          .setRequestMarshaller(ProtoUtils.marshaller(ValidateRequest.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(ValidateResponse.getDefaultInstance()))
          .build();

  /**
   * Retries are for calls that only ask. Refresh is not idempotent: a retry could use a refresh
   * token up without anybody getting the new one, so it is not named here, and neither is the whole
   * service. round_robin spreads the calls over all addresses that the name resolves to.
   */
  private static final Map<String, ?> SERVICE_CONFIG =
      Map.of(
          "loadBalancingConfig",
          List.of(Map.of("round_robin", Map.of())),
          "methodConfig",
          List.of(
              Map.of(
                  "name",
                  List.of(
                      Map.of("service", SERVICE, "method", "Validate"),
                      Map.of("service", SERVICE, "method", "BatchValidate")),
                  "retryPolicy",
                  Map.of(
                      "maxAttempts",
                      3.0,
                      "initialBackoff",
                      "0.05s",
                      "maxBackoff",
                      "0.5s",
                      "backoffMultiplier",
                      2.0,
                      "retryableStatusCodes",
                      List.of("UNAVAILABLE")))),
          "retryThrottling",
          Map.of("maxTokens", 10.0, "tokenRatio", 0.1));

  private final ManagedChannel channel;
  private final Duration timeout;

  private Validator(ManagedChannel channel, Duration timeout) {
    this.channel = channel;
    this.timeout = timeout;
  }

  /**
   * For a service on this machine.
   *
   * @param address HOST:PORT or dns:///HOST:PORT
   * @param timeout for one call, with its retries
   */
  public static Validator plaintext(String address, Duration timeout) {
    return connect(address, timeout, InsecureChannelCredentials.create(), null);
  }

  /**
   * Trusts the certificate authorities in a PEM file only.
   *
   * @param serverName whom the server's certificate is for; null for the host in the address
   */
  public static Validator tls(String address, Duration timeout, File caFile, String serverName)
      throws IOException {
    ChannelCredentials credentials =
        TlsChannelCredentials.newBuilder().trustManager(caFile).build();
    return connect(address, timeout, credentials, serverName);
  }

  private static Validator connect(
      String address, Duration timeout, ChannelCredentials credentials, String serverName) {
    var builder = Grpc.newChannelBuilder(address, credentials).defaultServiceConfig(SERVICE_CONFIG);
    if (serverName != null) {
      builder.overrideAuthority(serverName);
    }
    return new Validator(builder.build(), timeout);
  }

  /**
   * Returns what a good token says.
   *
   * @throws Refused if the token is not good
   * @throws io.grpc.StatusRuntimeException if nobody could tell
   */
  public TokenInfo validate(ValidateRequest request) throws Refused {
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(timeout);
    var response = ClientCalls.blockingUnaryCall(channel, VALIDATE, options, request);
    // docs: begin
    return switch (response.getOutcomeCase()) {
      case TOKEN -> response.getToken();
      case REJECTION -> throw Refused.of(response.getRejection());
      case OUTCOME_NOT_SET -> throw Refused.withoutOutcome(); // not a yes
    };
    // docs: end
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
