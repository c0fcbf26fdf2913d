/// The rules that decide every bit of a trajectory.
///
/// A change of any bit is a new version. A program goes on by the rules that a run began with;
/// `docs/numeric-contract.md` lists what each version changed.
package enum ContractVersion: Int, Sendable, CaseIterable, Comparable {
  case one = 1
  /// Every token of a stream trains once an epoch; words, numbers and skipped steps by new rules.
  case two = 2

  /// What a new run begins with.
  package static let newest = ContractVersion.two

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The versions that this program knows, in words.
  package static var known: String {
    allCases.map { "\($0.rawValue)" }.joined(separator: " and ")
  }
}
