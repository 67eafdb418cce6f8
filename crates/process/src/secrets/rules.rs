//! The formats of tokens, as their issuers document them.

/// The kind of Telegram bot tokens, which have no prefix and are found by the `:AA` inside.
pub(super) const TELEGRAM: &str = "telegram_bot_token";

/// A token that starts with a fixed text.
#[derive(Debug)]
pub(super) struct Token {
    /// The stable name.
    pub(super) kind: &'static str,
    /// What it starts with; each is an anchor.
    pub(super) anchors: &'static [&'static str],
    /// From the anchor on; group 1 is what gets overwritten. It sees a bounded window.
    pub(super) pattern: &'static str,
}

/// Tokens by their prefixes.
pub(super) const TOKENS: &[Token] = &[
    Token {
        kind: "aws_access_key_id",
        anchors: &["AKIA", "ASIA", "ABIA", "ACCA"],
        pattern: r"(?:AKIA|ASIA|ABIA|ACCA)([A-Z2-7]{16})(?-u:\b)",
    },
    Token {
        kind: "github_token",
        anchors: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        pattern: r"gh[pousr]_([A-Za-z0-9]{36,})(?-u:\b)",
    },
    Token {
        kind: "github_token",
        anchors: &["github_pat_"],
        pattern: r"github_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?-u:\b)",
    },
    Token {
        kind: "gitlab_token",
        anchors: &[
            "glpat-", "gldt-", "glptt-", "glrt-", "glcbt-", "glsoat-", "gloas-", "glft-",
        ],
        pattern: r"gl(?:pat|dt|ptt|rt|cbt|soat|oas|ft)-([0-9A-Za-z_\-]{20,})",
    },
    Token {
        kind: "slack_token",
        anchors: &[
            "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-",
        ],
        pattern: r"(?:xox[aebops]-|xoxr-|xoxe\.xox[bp]-|xapp-)([0-9A-Za-z\-]{20,})",
    },
    Token {
        kind: "slack_webhook",
        anchors: &["hooks.slack.com/"],
        pattern: r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9_/+]{30,120})",
    },
    Token {
        kind: "google_api_key",
        anchors: &["AIza"],
        pattern: r"AIza([0-9A-Za-z_\-]{35})(?:[^0-9A-Za-z_\-]|$)",
    },
    Token {
        kind: "google_oauth_secret",
        anchors: &["GOCSPX-"],
        pattern: r"GOCSPX-([A-Za-z0-9_\-]{28})(?:[^0-9A-Za-z_\-]|$)",
    },
    Token {
        kind: "google_oauth_token",
        anchors: &["ya29."],
        pattern: r"ya29\.([A-Za-z0-9_\-]{30,})",
    },
    Token {
        kind: "stripe_key",
        anchors: &["sk_live_", "rk_live_", "sk_test_", "rk_test_"],
        pattern: r"[sr]k_(?:live|test)_([0-9A-Za-z]{16,})(?-u:\b)",
    },
    Token {
        kind: "stripe_webhook_secret",
        anchors: &["whsec_"],
        pattern: r"whsec_([A-Za-z0-9+/]{32,90})",
    },
    Token {
        kind: "anthropic_key",
        anchors: &["sk-ant-"],
        pattern: r"sk-ant-(?:api|admin|sid|oat)[0-9]{2}-([A-Za-z0-9_\-]{80,140})",
    },
    Token {
        kind: "openai_key",
        anchors: &["sk-proj-", "sk-svcacct-", "sk-admin-"],
        pattern: r"sk-(?:proj|svcacct|admin)-([A-Za-z0-9_\-]{20,})",
    },
    Token {
        kind: "openai_key",
        anchors: &["t3blbkfj"],
        pattern: r"T3BlbkFJ([A-Za-z0-9_\-]{20,80})",
    },
    Token {
        kind: "npm_token",
        anchors: &["npm_"],
        pattern: r"npm_([A-Za-z0-9]{36})(?-u:\b)",
    },
    Token {
        kind: "pypi_token",
        anchors: &["pypi-ag"],
        pattern: r"pypi-(Ag[A-Za-z0-9_\-]{50,})",
    },
    Token {
        kind: "crates_token",
        anchors: &["cio"],
        pattern: r"cio([A-Za-z0-9]{32})(?-u:\b)",
    },
    Token {
        kind: "sendgrid_key",
        anchors: &["SG."],
        pattern: r"SG\.([A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{30,64})(?:[^0-9A-Za-z_\-]|$)",
    },
    Token {
        kind: "azure_key",
        anchors: &["AccountKey=", "SharedAccessKey="],
        pattern: r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{42,88})={0,2}",
    },
    Token {
        kind: "jwt",
        anchors: &["eyJ"],
        pattern: r"eyJ([A-Za-z0-9_\-]{6,}\.eyJ[A-Za-z0-9_\-]{6,}\.[A-Za-z0-9_\-]{16,})",
    },
    Token {
        kind: "discord_webhook",
        anchors: &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        pattern: r"discord(?:app)?\.com/api/webhooks/([0-9]{15,21}/[A-Za-z0-9_\-]{50,80})",
    },
    Token {
        kind: "digitalocean_token",
        anchors: &["dop_v1_", "doo_v1_", "dor_v1_"],
        pattern: r"do[opr]_v1_([a-f0-9]{64})(?-u:\b)",
    },
    Token {
        kind: "huggingface_token",
        anchors: &["hf_"],
        pattern: r"hf_([A-Za-z0-9]{34,40})(?-u:\b)",
    },
];

/// A body without a prefix of its own, which counts only near a word.
#[derive(Debug)]
pub(super) struct Context {
    /// The stable name.
    pub(super) kind: &'static str,
    /// The words, in any case.
    pub(super) anchors: &'static [&'static str],
    /// Group 1 is what gets overwritten.
    pub(super) pattern: &'static str,
}

/// How far after its word a body may stand, in bytes.
pub(super) const CONTEXT_REACH: usize = 256;

/// Tokens that are recognized by the word before them.
pub(super) const CONTEXTS: &[Context] = &[
    Context {
        kind: "twilio_key",
        anchors: &["twilio"],
        pattern: r"(?-u:\b)SK([0-9a-f]{32})(?-u:\b)|[\x22'=: ]([0-9a-f]{32})(?-u:\b)",
    },
    Context {
        kind: "discord_bot_token",
        anchors: &["discord", "bot_token"],
        pattern: r"(?-u:\b)([MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40})",
    },
];

/// Whether the last six characters of a classic GitHub token are the CRC-32 of the thirty before them, in base 62
/// (GitHub engineering blog, "Behind GitHub's new authentication token formats", 2021).
pub(super) fn has_github_checksum(body: &str) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((random, checksum)) = body.split_at_checked(30) else {
        return false;
    };
    let mut rest = crc32(random.as_bytes());
    let mut expected = [b'0'; 6];
    for place in expected.iter_mut().rev() {
        *place = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    checksum.as_bytes() == expected
}

/// CRC-32 as in IEEE 802.3 (reflected polynomial 0xedb88320).
fn crc32(bytes: &[u8]) -> u32 {
    let folded = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    !folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_of_the_check_string() {
        // The check value of CRC-32/ISO-HDLC in the catalogue of CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_checksum_of_a_github_token() {
        let random = concat!("abcdefghijklmno", "PQRSTUVWXYZ0123");
        let wrong = format!("{random}000000");
        assert!(!has_github_checksum(&wrong));
        let mut rest = crc32(random.as_bytes());
        let mut digits = Vec::new();
        for _ in 0..6 {
            let digit = u8::try_from(rest % 62).unwrap();
            digits.push(match digit {
                0..=9 => b'0' + digit,
                10..=35 => b'A' + digit - 10,
                _ => b'a' + digit - 36,
            });
            rest /= 62;
        }
        digits.reverse();
        let right = format!("{random}{}", String::from_utf8(digits).unwrap());
        assert!(has_github_checksum(&right));
    }
}
