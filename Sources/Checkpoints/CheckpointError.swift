package import Records

/// Why a checkpoint or run directory cannot be written, read or trusted.
package enum CheckpointError: StatusError, Equatable, Sendable {
  /// A call of the operating system failed.
  case system(SystemError)
  /// The disk holds less than a checkpoint needs; nothing was written.
  case noSpace(path: String, needed: Int, available: Int)
  /// There is no checkpoint at the path.
  case missing(path: String)
  /// The content is not what was written: truncated, altered, or not of this format.
  case damaged(path: String, reason: String)
  /// There is nothing to go on from: the run was pruned to its model.
  case modelOnly(path: String)
  /// The file was written by another version of the format.
  case unsupportedFormat(path: String, found: Int, supported: Int)
  /// A tensor is absent or of another shape or type than the model wants.
  case wrongTensor(path: String, tensor: String, expected: String, found: String)
  /// A value has no JSON form, such as a loss that is not a number.
  case unencodable(file: String, reason: String)

  package var exitStatus: Int32 {
    switch self {
    case .missing, .modelOnly, .unsupportedFormat, .wrongTensor: ExitStatus.badUsage
    case .system, .noSpace, .damaged, .unencodable: ExitStatus.failed
    }
  }
}

extension CheckpointError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .system(let error):
      error.description
    case .noSpace(let path, let needed, let available):
      """
      no space for a checkpoint in '\(path)': \(needed) bytes needed, \(available) free; \
      free some space or choose another run.directory
      """
    case .missing(let path):
      "no checkpoint at '\(path)': expected a run directory or a checkpoint with manifest.json"
    case .damaged(let path, let reason):
      "'\(path)' is damaged: \(reason)"
    case .modelOnly(let path):
      "'\(path)' has the model alone, since its run was pruned, and nothing to go on from"
    case .unsupportedFormat(let path, let found, let supported):
      """
      '\(path)' has format version \(found), this program reads version \(supported); \
      use the version that wrote it
      """
    case .wrongTensor(let path, let tensor, let expected, let found):
      """
      '\(path)' does not fit the model: tensor '\(tensor)', expected \(expected), found \(found); \
      use a checkpoint of the same model or the config it was written with
      """
    case .unencodable(let file, let reason):
      "cannot write '\(file)' as JSON: \(reason)"
    }
  }
}
