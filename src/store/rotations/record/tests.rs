use super::*;

const ID: FamilyId = FamilyId([7; 16]);

fn at(second: i64) -> UnixTime {
    UnixTime::from_secs(second)
}

fn bare() -> Family {
    Family::new("https://issuer.example", "client", RefreshDigest([1; 32]), at(9))
}

/// With each mixture of what may be there and may not.
fn spent(nth: u8) -> Spent {
    Spent {
        digest: RefreshDigest([nth; 32]),
        at: at(nth.into()),
        successor_seen_at: (nth < 4).then(|| at(10)),
        binding: (nth > 2).then_some([nth; 32]),
    }
}

/// With something in each place.
fn full(phase: Phase) -> Family {
    Family {
        whose: Some(Whose { subject: "sub".to_owned(), session_id: "sid".to_owned(), began_at: at(1) }),
        generation: 3,
        spent: (2..5).map(spent).collect(),
        answered: Some(Answered { to: RefreshDigest([4; 32]), at: at(4), binding: Some([6; 32]) }),
        access_expires_at: Some(at(7)),
        access: Some(Target::token_id("https://issuer.example", "jti")),
        phase,
        attempts_until: at(8),
        ..bare()
    }
}

fn families() -> Vec<Family> {
    let unknown = Unknown { first_at: at(1), since: at(2), times: 3, not_before: at(4) };
    let attempt = |after| Attempt { owner: Owner([5; 16]), lease_until: at(6), after };
    let ended = [Ended::Refused, Ended::Reused, Ended::OutcomeLost, Ended::Revoked];
    let ended = ended.map(|why| Phase::Ended { why, at: at(5) });
    let phases = [
        Phase::Idle,
        Phase::Begun(attempt(None)),
        Phase::Begun(attempt(Some(unknown))),
        Phase::Sent(attempt(None)),
        Phase::Sent(attempt(Some(unknown))),
        Phase::Unknown(unknown),
    ];
    let full = phases.into_iter().chain(ended).map(full);
    full.chain([bare()]).collect()
}

#[test]
fn what_is_written_is_read() {
    for family in families() {
        assert_eq!(decode(&ID, &encode(&ID, &family)), Ok(family));
    }
}

#[test]
fn no_damage_panics_or_passes() {
    for family in families() {
        let good = encode(&ID, &family);
        assert_eq!(decode(&FamilyId([8; 16]), &good), Err(Problem::Damaged), "another family's");
        for at in 1..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x80;
            assert_eq!(decode(&ID, &bad), Err(Problem::Damaged), "{at}");
            assert_eq!(decode(&ID, &good[..at]), Err(Problem::Damaged), "{at}");
        }
    }
}

/// A check can be right by chance, and a later release may mean something else by the same bytes.
#[test]
fn content_that_means_nothing_is_damage_whatever_its_check_says() {
    let good = encode(&ID, &full(Phase::Idle));
    let content = &good[1..good.len() - 4];
    let checked =
        |content: &[u8]| content.iter().fold(Encoder::new(), |record, byte| record.byte(*byte)).end(&ID.0);
    assert_eq!(checked(content), good);
    for at in 0..content.len() {
        assert!(decode(&ID, &checked(&content[..at])).is_err(), "{at}");
        let mut bad = content.to_vec();
        bad[at] = 0xff;
        // Whatever comes of it, it comes without a panic and without asking for room that nobody has.
        drop(decode(&ID, &checked(&bad)));
    }
    let more = [content, &[0]].concat();
    assert_eq!(decode(&ID, &checked(&more)), Err(Problem::Damaged));
}

#[test]
fn another_version_is_said() {
    let mut later = encode(&ID, &bare());
    later[0] = 9;
    assert_eq!(decode(&ID, &later), Err(Problem::Version(9)));
}
