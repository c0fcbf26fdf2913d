import Datasets
import TextSequences

extension SequenceData {
  /// What is said under a label.
  func line(_ label: String) -> String {
    summary.lines.filter { $0.label == label }.map(\.text).joined(separator: " | ")
  }

  /// Why a request is refused; "nothing" where it is not.
  static func complaint(_ request: SequenceRequest) -> String {
    do {
      _ = try SequenceData(opening: request)
      return "nothing"
    } catch {
      return "\(error)"
    }
  }
}
