import Foundation
import Interchange
import Records

/// The records of a run as TensorBoard events, in `tensorboard` of the run directory; on rank 0.
///
/// A number of a record becomes a curve named for the record's kind and its own: `train/loss`,
/// `valid/bits_per_byte`. Samples become text.
final class TensorBoardLog {
  static let directoryName = "tensorboard"

  private let runDirectory: String
  private let host: String
  private var file: EventFile?

  init(runDirectory: String, host: String) {
    self.runDirectory = runDirectory
    self.host = host
  }

  /// Opens a file for the steps after `step`; what earlier files say of them no longer holds.
  func begin(afterStep step: Int) throws {
    file = try EventFile(
      directory: "\(runDirectory)/\(Self.directoryName)", host: host,
      time: Date().timeIntervalSince1970, purgingFrom: step > 0 ? step + 1 : nil)
  }

  /// Appends records; after an error no more.
  func append(_ records: [OrderedJSON]) throws {
    guard let file else { return }
    do {
      for record in records { try append(record, to: file) }
    } catch {
      self.file = nil
      throw error
    }
  }

  private func append(_ record: OrderedJSON, to file: EventFile) throws {
    guard case .object(let members) = record, let kind = record["kind"]?.stringValue,
      let step = record["step"]?.integerValue
    else { return }
    let time = Date().timeIntervalSince1970
    if kind == "sample", let text = record["text"]?.stringValue {
      return try file.append(step: step, time: time, text: text, tag: "sample")
    }
    guard kind == "train" || kind == "valid" else { return }
    let scalars = members.compactMap { member -> (tag: String, value: Double)? in
      guard member.name != "step", let value = member.value.doubleValue else { return nil }
      return (tag: "\(kind)/\(member.name)", value: value)
    }
    try file.append(step: step, time: time, scalars: scalars)
  }
}
