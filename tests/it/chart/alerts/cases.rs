//! When each alert fires, and what it looks like when it should not.

/// A metric, its labels beside those of the target, and its values minute by minute, as promtool writes them.
pub(super) struct Series(pub(super) &'static str, pub(super) &'static str, pub(super) &'static str);

pub(super) struct Case {
    pub(super) alert: &'static str,
    /// Under these it fires within the hour.
    pub(super) loud: &'static [Series],
    /// Then, it does not fire yet.
    pub(super) before: &'static str,
    /// Under these it never does.
    pub(super) quiet: &'static [Series],
    /// Beside `severity` and `namespace`.
    pub(super) labels: &'static [(&'static str, &'static str)],
    pub(super) summary: &'static str,
}

const POD: (&str, &str) = ("pod", "a");
const ACME: (&str, &str) = ("issuer", "acme");
/// Those of an expression that keeps the series' own.
const OWN: [(&str, &str); 3] = [("namespace", "tokens"), ("job", "cs-countersign-headless"), POD];
const WITH_ISSUER: [(&str, &str); 4] = [OWN[0], OWN[1], POD, ACME];

const GOOD: Series = Series("countersign_validations_total", r#"outcome="permitted",reason="""#, "0+1000x60");

/// A counter that stays where it was until the last minutes.
const ONCE: &str = "0x55 1x5";
/// One that counted long ago, though Prometheus was away for some minutes.
const NEVER: &str = "3x38 _x8 3x15";

pub(super) const CASES: &[Case] = &[
    Case {
        alert: "CountersignDown",
        loud: &[Series("up", "", "1x55 0x5")],
        before: "56m",
        quiet: &[Series("up", "", "0x60"), Series("up", r#"instance="other""#, "1x60")],
        labels: &[],
        summary: "No replica of Countersign answers Prometheus.",
    },
    Case {
        alert: "CountersignCannotTell",
        loud: &[
            GOOD,
            Series(
                "countersign_validations_total",
                r#"outcome="fault",reason="keys_unavailable""#,
                "0+250x60",
            ),
        ],
        before: "4m",
        quiet: &[
            GOOD,
            Series("countersign_validations_total", r#"outcome="fault",reason="keys_unavailable""#, "0+5x60"),
            Series("countersign_validations_total", r#"outcome="refused",reason="expired""#, "0+5000x60"),
        ],
        labels: &[],
        summary: "20% of all tokens cannot be told good or bad.",
    },
    Case {
        alert: "CountersignSlow",
        loud: &[
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="envoy.service.auth.v3.Authorization/Check",le="0.1""#,
                "0+90x60",
            ),
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="envoy.service.auth.v3.Authorization/Check",le="0.5""#,
                "0+100x60",
            ),
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="envoy.service.auth.v3.Authorization/Check",le="+Inf""#,
                "0+100x60",
            ),
        ],
        before: "9m",
        quiet: &[
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="countersign.v1.TokenService/Validate",le="0.1""#,
                "0+100x60",
            ),
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="countersign.v1.TokenService/Validate",le="+Inf""#,
                "0+100x60",
            ),
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="countersign.v1.TokenService/Refresh",le="+Inf""#,
                "0+100x60",
            ),
        ],
        labels: &[],
        summary: "One validation or check in a hundred takes 460ms or longer.",
    },
    Case {
        alert: "CountersignSlow",
        loud: &[
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="HTTP /check",le="0.1""#,
                "0+90x60",
            ),
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="HTTP /check",le="0.5""#,
                "0+100x60",
            ),
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="HTTP /check",le="+Inf""#,
                "0+100x60",
            ),
        ],
        before: "9m",
        quiet: &[
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="HTTP /check",le="0.1""#,
                "0+100x60",
            ),
            Series(
                "countersign_request_duration_seconds_bucket",
                r#"method="HTTP /check",le="+Inf""#,
                "0+100x60",
            ),
        ],
        labels: &[],
        summary: "One validation or check in a hundred takes 460ms or longer.",
    },
    Case {
        alert: "CountersignPolicyUnreadable",
        loud: &[Series("countersign_checks_total", r#"outcome="denied",why="policy""#, ONCE)],
        before: "54m",
        quiet: &[
            Series("countersign_checks_total", r#"outcome="denied",why="policy""#, NEVER),
            Series("countersign_checks_total", r#"outcome="denied",why="refused""#, "0+9x60"),
        ],
        labels: &[POD],
        summary: "a denies every request of a route, because what the proxy says of its policy means nothing.",
    },
    Case {
        alert: "CountersignOverloaded",
        loud: &[Series("countersign_overloaded_total", "", "0+10x60")],
        before: "4m",
        quiet: &[Series("countersign_overloaded_total", "", NEVER)],
        labels: &[POD],
        summary: "a turns calls away, because too many are at work.",
    },
    Case {
        alert: "CountersignNoKeys",
        loud: &[Series("countersign_keys", r#"issuer="acme""#, "2x50 0x10")],
        before: "54m",
        quiet: &[Series("countersign_keys", r#"issuer="acme""#, "1x60")],
        labels: &WITH_ISSUER,
        summary: "a has no key that verifies tokens of acme.",
    },
    Case {
        alert: "CountersignKeysOld",
        loud: &[Series("countersign_key_set_age_seconds", r#"issuer="acme""#, "45000x60")],
        before: "4m",
        quiet: &[Series("countersign_key_set_age_seconds", r#"issuer="acme""#, "43000x60")],
        labels: &WITH_ISSUER,
        summary: "a has seen no key set of acme for 12h 30m 0s.",
    },
    Case {
        alert: "CountersignKeyFetchesFail",
        loud: &[
            Series(
                "countersign_key_fetches_total",
                r#"issuer="acme",trigger="scheduled",outcome="failed""#,
                "0+1x60",
            ),
            Series(
                "countersign_key_fetches_total",
                r#"issuer="acme",trigger="scheduled",outcome="ok""#,
                NEVER,
            ),
            Series(
                "countersign_key_fetches_total",
                r#"issuer="acme",trigger="scheduled",outcome="not_modified""#,
                NEVER,
            ),
        ],
        before: "14m",
        // Some do not fail.
        quiet: &[
            Series(
                "countersign_key_fetches_total",
                r#"issuer="acme",trigger="scheduled",outcome="failed""#,
                "0+1x60",
            ),
            Series(
                "countersign_key_fetches_total",
                r#"issuer="acme",trigger="scheduled",outcome="not_modified""#,
                "0+1x60",
            ),
        ],
        labels: &[POD, ACME],
        summary: "a cannot fetch the key set of acme.",
    },
    Case {
        alert: "CountersignStoredKeysForged",
        loud: &[Series("countersign_key_store_errors_total", r#"issuer="acme",kind="forged""#, ONCE)],
        before: "55m",
        quiet: &[
            Series("countersign_key_store_errors_total", r#"issuer="acme",kind="forged""#, NEVER),
            Series("countersign_key_store_errors_total", r#"issuer="acme",kind="io""#, "0+1x60"),
        ],
        labels: &[POD, ACME],
        summary: "The seal of a stored key set of acme does not fit: somebody else wrote to the store, or the key ring is another one.",
    },
    Case {
        alert: "CountersignIntrospectionRefused",
        loud: &[Series(
            "countersign_introspections_total",
            r#"issuer="acme",outcome="misconfigured""#,
            "0x50 1x10",
        )],
        before: "55m",
        quiet: &[
            Series("countersign_introspections_total", r#"issuer="acme",outcome="misconfigured""#, NEVER),
            Series("countersign_introspections_total", r#"issuer="acme",outcome="failed""#, "0+1x60"),
        ],
        labels: &[ACME],
        summary: "acme does not answer our client about opaque tokens.",
    },
    Case {
        alert: "CountersignRevocationsUnstored",
        loud: &[Series("countersign_unstored_revocations", "", "0x55 4x5")],
        before: "56m",
        quiet: &[Series("countersign_unstored_revocations", "", "0x60")],
        labels: &OWN,
        summary: "4 revocations are known to a alone, and lost if it ends.",
    },
    Case {
        alert: "CountersignFeedLost",
        loud: &[Series("countersign_feed_contact_lost", "", "0x55 1x5")],
        before: "56m",
        quiet: &[Series("countersign_feed_contact_lost", "", "0x60")],
        labels: &OWN,
        summary: "What is revoked on other replicas does not arrive at a.",
    },
    Case {
        alert: "CountersignStoreUnfit",
        loud: &[Series("countersign_store_unfit", r#"reason="eviction""#, "0x55 1x5")],
        before: "56m",
        quiet: &[
            Series("countersign_store_unfit", r#"reason="eviction""#, "0x60"),
            Series("countersign_store_durability_reached", r#"level="memory""#, "1x60"),
        ],
        labels: &[OWN[0], OWN[1], POD, ("reason", "eviction")],
        summary: "Redis does not keep what it is told (eviction), as a found.",
    },
    Case {
        alert: "CountersignStoreUnfit",
        loud: &[Series("countersign_store_durability_reached", r#"level="less""#, "0x55 1x5")],
        before: "56m",
        quiet: &[],
        labels: &[OWN[0], OWN[1], POD, ("level", "less")],
        summary: "Redis does not keep what it is told (less), as a found.",
    },
    Case {
        alert: "CountersignStoreLostRevocations",
        loud: &[Series("countersign_revocations_pushed_back_total", "", ONCE)],
        before: "55m",
        quiet: &[Series("countersign_revocations_pushed_back_total", "", NEVER)],
        labels: &[],
        summary: "Redis had lost revocations that it had acknowledged. The replicas gave them back.",
    },
    Case {
        alert: "CountersignRevocationsDiffer",
        loud: &[Series("countersign_feed_comparisons_total", r#"result="differed""#, "0+1x60")],
        before: "29m",
        // Once, after an outage.
        quiet: &[
            Series("countersign_feed_comparisons_total", r#"result="differed""#, "0x50 1x10"),
            Series("countersign_feed_comparisons_total", r#"result="same""#, "0+1x60"),
        ],
        labels: &[POD],
        summary: "What a knows of revocations differs from the store again and again.",
    },
    Case {
        alert: "CountersignRevocationsNearlyFull",
        loud: &[Series("countersign_revocation_nearly_full", "", "0x50 1x10")],
        before: "54m",
        quiet: &[Series("countersign_revocation_nearly_full", "", "0x60")],
        labels: &OWN,
        summary: "a holds over 75 % of the revocations that it may.",
    },
    Case {
        alert: "CountersignUpstreamWaits",
        loud: &[Series("countersign_upstream_revocations_oldest_seconds", "", "0+60x60")],
        before: "14m",
        quiet: &[Series("countersign_upstream_revocations_oldest_seconds", "", "500x60")],
        labels: &OWN,
        summary: "An identity provider has not been told of a revocation for 1h 0m 0s.",
    },
    Case {
        alert: "CountersignRefreshesUnstored",
        loud: &[Series("countersign_unstored_refreshes", "", "0x55 2x5")],
        before: "56m",
        quiet: &[Series("countersign_unstored_refreshes", "", "0x60")],
        labels: &OWN,
        summary: "2 refreshed tokens are in the memory of a alone.",
    },
    Case {
        alert: "CountersignRefreshRefused",
        loud: &[Series("countersign_refresh_exchanges_total", r#"outcome="client_rejected""#, ONCE)],
        before: "55m",
        quiet: &[
            Series("countersign_refresh_exchanges_total", r#"outcome="client_rejected""#, NEVER),
            Series("countersign_refresh_exchanges_total", r#"outcome="invalid_grant""#, "0+1x60"),
        ],
        labels: &[("outcome", "client_rejected")],
        summary: "A token endpoint refuses our client or our requests (client_rejected).",
    },
    Case {
        alert: "CountersignRefreshAnswersLost",
        loud: &[
            Series("countersign_refresh_exchanges_total", r#"outcome="granted""#, "0+75x60"),
            Series("countersign_refresh_exchanges_total", r#"outcome="unknown""#, "0+25x60"),
        ],
        before: "4m",
        quiet: &[
            Series("countersign_refresh_exchanges_total", r#"outcome="granted""#, "0+1000x60"),
            Series("countersign_refresh_exchanges_total", r#"outcome="unknown""#, "0+5x60"),
        ],
        labels: &[],
        summary: "25% of the answers of token endpoints are lost.",
    },
    Case {
        alert: "CountersignRefreshTokenReused",
        loud: &[Series("countersign_refresh_tokens_reused_total", "", ONCE)],
        before: "55m",
        quiet: &[Series("countersign_refresh_tokens_reused_total", "", NEVER)],
        labels: &[],
        summary: "Somebody presented a refresh token that another had used up. The session was ended.",
    },
    Case {
        alert: "CountersignConfigurationNotTaken",
        loud: &[Series("countersign_config_reload_failing", "", "0x45 1x15")],
        before: "54m",
        quiet: &[Series("countersign_config_reload_failing", "", "0x50 1x10")],
        labels: &OWN,
        summary: "a does not take the changed configuration; the next start would fail.",
    },
];
