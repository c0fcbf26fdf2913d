import Foundation

/// Runs `body` with the path of a fresh directory that is removed afterwards.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "/corpora-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// Runs `body` with the path of a file of these bytes.
func withTemporaryFile<Result>(
  _ bytes: some Sequence<UInt8>, _ body: (String) throws -> Result
) throws -> Result {
  try withTemporaryDirectory { directory in
    let path = directory + "/text.txt"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try body(path)
  }
}
