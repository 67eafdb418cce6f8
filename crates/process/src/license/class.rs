//! From an SPDX expression to the class that policy decides on.

use codelupe_core::{LicenseClass, SpdxExpression};

use super::expression::{Term, parse};

/// The class of an expression: `OR` takes its freest branch, `AND` its strictest.
///
/// An exception (`WITH`) loosens a GPL or AGPL only when it allows linking (see `LINKING_EXCEPTIONS`): then the class is
/// [`LicenseClass::WeakCopyleft`]. Other exceptions change nothing. `NONE` is [`LicenseClass::None`]; what cannot
/// be read, `NOASSERTION` and unknown `LicenseRef-…` are [`LicenseClass::Other`].
pub fn class_of(expression: &SpdxExpression) -> LicenseClass {
    match expression.as_str().trim() {
        "NONE" | "" => LicenseClass::None,
        text => parse(text).map_or(LicenseClass::Other, |term| class_of_term(&term)),
    }
}

/// The class of a parsed expression.
pub(super) fn class_of_term(term: &Term) -> LicenseClass {
    match term {
        Term::One(license) => class_of_license(license),
        Term::All(terms) => terms.iter().map(class_of_term).max().unwrap_or(LicenseClass::None),
        Term::Any(terms) => terms.iter().map(class_of_term).min().unwrap_or(LicenseClass::None),
    }
}

fn class_of_license(license: &str) -> LicenseClass {
    let (id, exception) = match license.split_once(" WITH ") {
        Some((id, exception)) => (id, Some(exception)),
        None => (license, None),
    };
    let id = id.trim_end_matches('+');
    let class = class_of_id(id);
    let gpl = id.starts_with("GPL-") || id.starts_with("AGPL-");
    if gpl && exception.is_some_and(|exception| LINKING_EXCEPTIONS.contains(&exception)) {
        return LicenseClass::WeakCopyleft;
    }
    class
}

fn class_of_id(id: &str) -> LicenseClass {
    let is_of = |families: &[&str]| families.iter().any(|family| id.starts_with(family));
    if PERMISSIVE.contains(&id) {
        LicenseClass::Permissive
    } else if WEAK_COPYLEFT.contains(&id) || is_of(&WEAK_FAMILIES) {
        LicenseClass::WeakCopyleft
    } else if COPYLEFT.contains(&id) || is_of(&STRONG_FAMILIES) {
        LicenseClass::Copyleft
    } else {
        LicenseClass::Other
    }
}

/// Permissive licenses and public-domain dedications.
///
/// The list of the Blue Oak Council (ratings model, gold, silver, bronze and lead), further licenses that the Open
/// Source Initiative approved and that ask for no more than notices, and dedications (CC0-1.0, Unlicense, 0BSD,
/// MIT-0, WTFPL). Licenses that limit the field of use (JSON, Hippocratic, BSD-3-Clause-No-Nuclear-License) and
/// licenses for data and prose (CC-BY, ODC) are not in it. `LicenseRef-Public-Domain` is what this crate calls
/// a plain statement of public domain.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "AAL",
    "ADSL",
    "AFL-1.1",
    "AFL-1.2",
    "AFL-2.0",
    "AFL-2.1",
    "AFL-3.0",
    "AMDPLPA",
    "AML",
    "AMPAS",
    "ANTLR-PD",
    "ANTLR-PD-fallback",
    "APAFML",
    "Abstyles",
    "Adobe-2006",
    "Adobe-Glyph",
    "Afmparse",
    "Apache-1.0",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Darwin",
    "BSD-2-Clause-FreeBSD",
    "BSD-2-Clause-NetBSD",
    "BSD-2-Clause-Patent",
    "BSD-2-Clause-Views",
    "BSD-3-Clause",
    "BSD-3-Clause-Attribution",
    "BSD-3-Clause-Clear",
    "BSD-3-Clause-HP",
    "BSD-3-Clause-LBNL",
    "BSD-3-Clause-Modification",
    "BSD-3-Clause-Open-MPI",
    "BSD-3-Clause-Sun",
    "BSD-4-Clause",
    "BSD-4-Clause-Shortened",
    "BSD-4-Clause-UC",
    "BSD-4.3RENO",
    "BSD-4.3TAHOE",
    "BSD-Source-Code",
    "BSL-1.0",
    "Bahyph",
    "Barr",
    "Beerware",
    "BlueOak-1.0.0",
    "Boehm-GC",
    "Borceux",
    "CC-PDDC",
    "CC0-1.0",
    "CECILL-B",
    "CERN-OHL-P-2.0",
    "CMU-Mach",
    "CNRI-Jython",
    "CNRI-Python",
    "CNRI-Python-GPL-Compatible",
    "Clips",
    "Crossword",
    "CrystalStacker",
    "Cube",
    "DOC",
    "DSDP",
    "Dotseqn",
    "ECL-1.0",
    "ECL-2.0",
    "EFL-1.0",
    "EFL-2.0",
    "EUDatagrid",
    "Entessa",
    "FSFAP",
    "FSFUL",
    "FSFULLR",
    "FSFULLRWD",
    "FTL",
    "Fair",
    "Giftware",
    "HPND",
    "HPND-sell-variant",
    "HTMLTIDY",
    "HaskellReport",
    "IBM-pibs",
    "ICU",
    "IJG",
    "ISC",
    "ImageMagick",
    "Info-ZIP",
    "Intel",
    "Intel-ACPI",
    "JasPer-2.0",
    "LOOP",
    "Latex2e",
    "Leptonica",
    "Libpng",
    "LicenseRef-Public-Domain",
    "Linux-OpenIB",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MIT-Festival",
    "MIT-Khronos-old",
    "MIT-Modern-Variant",
    "MIT-Wu",
    "MIT-advertising",
    "MIT-enna",
    "MIT-feh",
    "MIT-open-group",
    "MIT-testregex",
    "MITNFA",
    "MS-PL",
    "MTLL",
    "Minpack",
    "MirOS",
    "MulanPSL-1.0",
    "MulanPSL-2.0",
    "Multics",
    "Mup",
    "NCSA",
    "NIST-PD",
    "NIST-PD-fallback",
    "NIST-Software",
    "NRL",
    "NTP",
    "NTP-0",
    "Naumen",
    "NetCDF",
    "Newsletr",
    "OFFIS",
    "OFL-1.1",
    "OFL-1.1-RFN",
    "OFL-1.1-no-RFN",
    "OGC-1.0",
    "OLDAP-2.0",
    "OLDAP-2.0.1",
    "OLDAP-2.1",
    "OLDAP-2.2",
    "OLDAP-2.2.1",
    "OLDAP-2.2.2",
    "OLDAP-2.3",
    "OLDAP-2.4",
    "OLDAP-2.5",
    "OLDAP-2.6",
    "OLDAP-2.7",
    "OLDAP-2.8",
    "OLFL-1.3",
    "OML",
    "OpenSSL",
    "OpenSSL-standalone",
    "PDDL-1.0",
    "PHP-3.0",
    "PHP-3.01",
    "PSF-2.0",
    "Plexus",
    "PostgreSQL",
    "Python-2.0",
    "Python-2.0.1",
    "Qhull",
    "RSA-MD",
    "Rdisc",
    "Ruby",
    "SAX-PD",
    "SCEA",
    "SGI-B-2.0",
    "SMLNJ",
    "SSH-OpenSSH",
    "SSH-short",
    "SSLeay-standalone",
    "SWL",
    "Saxpath",
    "Spencer-86",
    "Spencer-94",
    "Spencer-99",
    "SunPro",
    "TCL",
    "TCP-wrappers",
    "TU-Berlin-1.0",
    "TU-Berlin-2.0",
    "UPL-1.0",
    "Unicode-3.0",
    "Unicode-DFS-2015",
    "Unicode-DFS-2016",
    "UnixCrypt",
    "Unlicense",
    "VSL-1.0",
    "W3C",
    "W3C-19980720",
    "W3C-20150513",
    "WTFPL",
    "Wsuipa",
    "X11",
    "X11-distribute-modifications-variant",
    "XFree86-1.1",
    "XSkat",
    "Xerox",
    "Xnet",
    "ZPL-1.1",
    "ZPL-2.0",
    "ZPL-2.1",
    "Zed",
    "Zend-2.0",
    "Zlib",
    "blessing",
    "bzip2-1.0.5",
    "bzip2-1.0.6",
    "curl",
    "eGenix",
    "gnuplot",
    "iMatix",
    "libpng-2.0",
    "libtiff",
    "mpich2",
    "psfrag",
    "psutils",
    "xinetd",
    "xpp",
    "zlib-acknowledgement",
];

/// Families of file- and library-level copyleft, by the start of the id.
const WEAK_FAMILIES: [&str; 12] = [
    "LGPL-",
    "MPL-",
    "EPL-",
    "CDDL-",
    "CPL-1",
    "IPL-",
    "APSL-",
    "LPL-",
    "NPL-",
    "SPL-",
    "CERN-OHL-W-",
    "LiLiQ-R-",
];

/// Further file- and library-level copyleft licenses.
const WEAK_COPYLEFT: &[&str] = &[
    "Artistic-1.0",
    "Artistic-1.0-Perl",
    "Artistic-1.0-cl8",
    "BitTorrent-1.0",
    "BitTorrent-1.1",
    "CATOSL-1.1",
    "CECILL-C",
    "CUA-OPL-1.0",
    "ClArtistic",
    "ErlPL-1.1",
    "Frameworx-1.0",
    "Interbase-1.0",
    "LGPLLR",
    "LPPL-1.0",
    "LPPL-1.1",
    "LPPL-1.2",
    "LPPL-1.3a",
    "LPPL-1.3c",
    "MS-RL",
    "Motosoto",
    "NASA-1.3",
    "NOSL",
    "Nokia",
    "OCLC-2.0",
    "OSET-PL-2.1",
    "QPL-1.0",
    "RSCPL",
    "SISSL",
    "SISSL-1.2",
    "SMPPL",
    "SNIA",
    "SugarCRM-1.1.3",
    "TMate",
    "YPL-1.0",
    "YPL-1.1",
    "Zimbra-1.3",
    "Zimbra-1.4",
    "gSOAP-1.3b",
    "wxWindows",
];

/// Families of strong, network and share-alike copyleft, by the start of the id.
const STRONG_FAMILIES: [&str; 16] = [
    "GPL-",
    "AGPL-",
    "OSL-",
    "EUPL-",
    "GFDL-",
    "CC-BY-SA-",
    "CC-SA-",
    "RPL-1",
    "copyleft-next-",
    "CERN-OHL-S-",
    "LAL-",
    "ODbL-",
    "Parity-",
    "CAL-1",
    "LiLiQ-Rplus-",
    "NPOSL-",
];

/// Further strong copyleft licenses.
const COPYLEFT: &[&str] = &[
    "APL-1.0",
    "Arphic-1999",
    "BSD-Protection",
    "CECILL-1.0",
    "CECILL-1.1",
    "CECILL-2.0",
    "CECILL-2.1",
    "CPAL-1.0",
    "D-FSL-1.0",
    "FreeImage",
    "IPA",
    "NGPL",
    "PPL",
    "RHeCos-1.1",
    "RPSL-1.0",
    "SMAIL-GPL",
    "SimPL-2.0",
    "Sleepycat",
    "TGPPL-1.0",
    "VOSTROM",
    "Vim",
    "Watcom-1.0",
];

/// Exceptions that let code under any license be linked with, or be built into, code under the GPL.
///
/// Exceptions for the output of a tool (Bison, Autoconf, fonts), for one other library (OpenSSL) and the system call note
/// of Linux are not among them: code that is copied stays under the GPL.
const LINKING_EXCEPTIONS: [&str; 25] = [
    "CGAL-linking-exception",
    "Classpath-exception-2.0",
    "Classpath-exception-2.0-short",
    "CLISP-exception-2.0",
    "eCos-exception-2.0",
    "erlang-otp-linking-exception",
    "FLTK-exception",
    "Fawkes-Runtime-exception",
    "freertos-exception-2.0",
    "GCC-exception-2.0",
    "GCC-exception-2.0-note",
    "GCC-exception-3.1",
    "GNAT-exception",
    "gnu-javamail-exception",
    "GNU-compiler-exception",
    "GPL-3.0-linking-exception",
    "GPL-3.0-linking-source-exception",
    "i2p-gpl-java-exception",
    "Independent-modules-exception",
    "Libtool-exception",
    "LZMA-exception",
    "mxml-exception",
    "OpenJDK-assembly-exception-1.0",
    "Qt-GPL-exception-1.0",
    "WxWindows-exception-3.1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_id_exists_and_stands_in_one_list() {
        for id in PERMISSIVE.iter().chain(WEAK_COPYLEFT).chain(COPYLEFT) {
            assert!(spdx::license_id(id).is_some() || id.starts_with("LicenseRef-"), "{id}");
        }
        for exception in LINKING_EXCEPTIONS {
            assert!(spdx::exception_id(exception).is_some(), "{exception}");
        }
        for id in PERMISSIVE {
            let elsewhere = WEAK_COPYLEFT.contains(id) || COPYLEFT.contains(id);
            let in_family = WEAK_FAMILIES
                .iter()
                .chain(&STRONG_FAMILIES)
                .any(|family| id.starts_with(family));
            assert!(!elsewhere && !in_family, "{id}");
        }
    }

    #[test]
    fn nothing_that_spdx_marks_as_copyleft_is_permissive() {
        // SPDX marks these, and Blue Oak still calls them permissive: they ask for notices or a renamed package only.
        let judged = [
            "CECILL-B",
            "xinetd",
            "Artistic-2.0",
            "OFL-1.1",
            "MS-PL",
            "AFL-1.1",
            "AFL-1.2",
            "AFL-2.0",
            "AFL-2.1",
            "AFL-3.0",
            "IJG",
            "Ruby",
        ];
        let marked = |id: &str| spdx::license_id(id).is_some_and(spdx::LicenseId::is_copyleft);
        let surprising: Vec<_> = PERMISSIVE
            .iter()
            .filter(|id| marked(id) && !judged.contains(id))
            .collect();
        assert!(surprising.is_empty(), "{surprising:?}");
    }

    #[test]
    fn or_is_free_and_is_strict() {
        use LicenseClass::{Copyleft, None, Other, Permissive, WeakCopyleft};
        let check = |text: &str, expected| assert_eq!(class_of(&SpdxExpression::new(text)), expected, "{text}");
        for text in [
            "MIT",
            "Apache-2.0",
            "CC0-1.0",
            "Unlicense",
            "0BSD",
            "MIT-0",
            "BSD-3-Clause",
            "ISC",
            "Zlib",
            "PSF-2.0",
            "BlueOak-1.0.0",
        ] {
            check(text, Permissive);
        }
        for text in [
            "MPL-2.0",
            "LGPL-2.1-only",
            "LGPL-3.0-or-later",
            "LGPL-2.1",
            "EPL-2.0",
            "CDDL-1.0",
            "MPL-1.1+",
            "Artistic-1.0-Perl",
        ] {
            check(text, WeakCopyleft);
        }
        for text in [
            "GPL-2.0-only",
            "GPL-3.0-or-later",
            "GPL-2.0",
            "AGPL-3.0-only",
            "OSL-3.0",
            "EUPL-1.2",
            "CC-BY-SA-4.0",
            "GPL-2.0+",
        ] {
            check(text, Copyleft);
        }
        for text in [
            "BUSL-1.1",
            "CC-BY-NC-4.0",
            "JSON",
            "LicenseRef-x",
            "NOASSERTION",
            "not an expression",
            "SSPL-1.0",
            "UNLICENSED",
        ] {
            check(text, Other);
        }
        check("NONE", None);
        check("MIT OR GPL-3.0-only", Permissive);
        check("MIT AND GPL-3.0-only", Copyleft);
        check("(MIT OR GPL-3.0-only) AND MPL-2.0", WeakCopyleft);
        check("MIT AND LicenseRef-Commons-Clause", Other);
        check("MIT OR Apache-2.0 AND BUSL-1.1", Permissive);
    }

    #[test]
    fn only_linking_exceptions_loosen_the_gpl() {
        use LicenseClass::{Copyleft, Permissive, WeakCopyleft};
        let check = |text: &str, expected| assert_eq!(class_of(&SpdxExpression::new(text)), expected, "{text}");
        check("GPL-2.0-only WITH Classpath-exception-2.0", WeakCopyleft);
        check("GPL-2.0-with-classpath-exception", WeakCopyleft);
        check("GPL-3.0-or-later WITH GCC-exception-3.1", WeakCopyleft);
        check("GPL-2.0-only WITH Linux-syscall-note", Copyleft);
        check("GPL-3.0-or-later WITH Bison-exception-2.2", Copyleft);
        check("LGPL-3.0-only WITH LGPL-3.0-linking-exception", WeakCopyleft);
        check("Apache-2.0 WITH LLVM-exception", Permissive);
    }
}
