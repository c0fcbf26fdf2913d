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

  /// Opens a file for the steps after `step`; what earlier files say of them no longer holds, be it
  /// that all of them is done anew.
  func begin(afterStep step: Int) throws {
    let directory = "\(runDirectory)/\(Self.directoryName)"
    let now = Date().timeIntervalSince1970
    // Readers take the files in the order of their names, and so of the seconds in them: a start
    // within the same second, or by another clock, must come after those before it.
    let newest = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
      .compactMap(Self.second(ofName:)).max()
    file = try EventFile(
      directory: directory, host: host, time: max(now, Double(newest.map { $0 + 1 } ?? 0)),
      purgingFrom: step > 0 || newest != nil ? step + 1 : nil)
  }

  /// The second in the name of a file of events.
  private static func second(ofName name: String) -> Int? {
    let parts = name.split(separator: ".")
    guard name.hasPrefix("events.out.tfevents."), parts.count > 3, parts[3].utf8.count == 10 else {
      return nil
    }
    return Int(parts[3])
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
      guard member.name != "step", member.name != "time", let value = member.value.doubleValue
      else { return nil }
      return (tag: "\(kind)/\(member.name)", value: value)
    }
    try file.append(step: step, time: time, scalars: scalars)
  }
}
