//! What becomes of a refresh token that somebody presents: a pure function over the state of its token family.
//!
//! A *family* is a refresh token and all its successors (RFC 9700 section 4.14.2). One of them is *current*; those before it
//! are *spent*. The provider may punish a token's second use by ending the whole grant, so each is sent once, whoever presents
//! it how often (F1), and everybody gets what came back for it (F2).
//!
//! Four timelines say what the states are for. Time goes down.
//!
//! **A token that is presented twice.** Two backends, one user:
//!
//! ```text
//! A presents R0    Begin: Begun, Sent, the provider answers with R1: R0 is spent, the answer to it is kept
//! B presents R0    before the answer: Wait, then Replay. Within `replay` of it: Replay
//!                  later, while nobody has presented R1: Replay up to `replay_max`, for a browser may have lost the answer
//!                  later, after R1 was presented: Theft. Whoever has R1 got it from the answer to R0, and B did not
//!                  after `replay_max`, R1 never presented: Lost. Nobody holds a token that works; nobody did wrong
//! ```
//!
//! Who is first is who came first, not who was looked at first: each is judged as of when it came here.
//!
//! **A laptop that wakes up.** Both of its tabs still have R0, whose answer was lost on its way, and `replay` is long over:
//!
//! ```text
//! A presents R0    Replay: it is given R1, finds the access token expired, and presents R1: Begin, and R2 comes of it
//! B presented R0   before A presented R1, and waited here since: Replay. R0's answer is kept for `replay` after R1 came, or
//!                  up to `replay_max` of it if that is sooner. If B waited for longer it is refused, and nothing is ended
//! C presents R0    after R1 was presented: Theft (F7). It may be a third tab, which its browser held back for longer than a
//!                  whole refresh took; but nothing tells it from who stole R0, and the contract takes it for that
//! ```
//!
//! **An answer that is lost.** The leader sends, and its connection dies:
//!
//! ```text
//! leader sends R0  Sent. The connection breaks, or the leader does and its lease runs out: Unknown
//!                  if the provider rotated, R1 is gone for good, and R0 is spent there. To send R0 again can end the session,
//!                  or find out that it was never processed. Nothing else can save it, so it is sent again:
//!                  graceful, within the grace: at once. The provider answers anew, or for the first time. After it: as strict
//!                  none: at once. Nothing is ever spent
//!                  strict: when the old access token has ended. If the provider takes the second use for theft, it ends
//!                  what had ended anyway. If nobody knows of an access token, there is none to spare
//! R0 is refused    after Unknown, `invalid_grant` is our own lost answer: Lost, no alarm. Otherwise it is Refused
//! ```
//!
//! **A late owner.** The leader is paused beyond its lease:
//!
//! ```text
//! A sends R0       Sent by A. A is paused; its lease runs out
//! B presents R0    Unknown; B sends it again as above and gets R1b, or is refused
//! A goes on        it holds R1a. R0 is current still: R1a is stored, and B's answer finds R0 spent and is dropped, for there
//!                  is one successor (F2). R0 is spent already: A's answer is dropped, and A answers with what is kept
//! ```
//!
//! So the lease only says how long others wait. What keeps a successor from being lost or overwritten is that it is stored only
//! where the token that it is the answer to is still current (F5).

mod decide;
mod digest;
mod family;

pub use decide::{Decision, Rotation, Rules, Shown, decide};
pub use digest::{FamilyId, RefreshDigest};
pub use family::{Answered, Attempt, Ended, Family, Given, NAMED_HERE, Owner, Phase, Spent, Unknown, Whose};

#[cfg(test)]
mod tests;
