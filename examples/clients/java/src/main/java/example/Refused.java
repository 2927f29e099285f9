package example;

import io.countersign.v1.Reason;
import io.countersign.v1.Recovery;
import io.countersign.v1.Rejection;

/** The answer about a token that is not good. */
public final class Refused extends Exception {
  private static final long serialVersionUID = 1L;

  private final String reason;
  private final Recovery recovery;

  private Refused(String reason, String message, Recovery recovery) {
    super(message);
    this.reason = reason;
    this.recovery = recovery;
  }

  static Refused of(Rejection rejection) {
    String reason =
        rejection.getReason() == Reason.UNRECOGNIZED
            ? String.valueOf(rejection.getReasonValue())
            : rejection.getReason().name().replaceFirst("^REASON_", "");
    return new Refused(reason, rejection.getMessage(), rejection.getRecovery());
  }

  static Refused withoutOutcome() {
    return new Refused(
        "NO_OUTCOME", "the answer holds nothing that this client knows", Recovery.UNRECOGNIZED);
  }

  /** A name such as EXPIRED, or a number if this client is too old to know it. */
  public String reason() {
    return reason;
  }

  /** What can be done about it. */
  public Recovery recovery() {
    return recovery;
  }
}
