package import Records

/// Leaves a run nothing but its model.
extension CheckpointStore {
  /// Makes a checkpoint one of the model alone, and verifies that before anything is removed.
  ///
  /// The files of the model stay where they are: a new manifest, which lists no others, takes the
  /// place of the old one by one rename, so that the checkpoint is whole before and after, wherever
  /// this is interrupted. What the new manifest does not list is removed by `removeAllBut`.
  ///
  /// - Parameters:
  ///   - averagePrefix: begins the names of the running means among the optimiser's tensors; nil
  ///     where the run keeps none, and the model is used with its parameters.
  ///   - reason: why it is this checkpoint: what `ChosenCheckpoint` says of the choice.
  /// - Complexity: reads the model once, and the running mean twice.
  package func makeModelOnly(
    _ checkpoint: Checkpoint, averagePrefix: String?, reason: OrderedJSON
  ) throws -> Checkpoint {
    if checkpoint.isModelOnly { return checkpoint }
    var added = [try CheckpointFile.json(Checkpoint.prunedFile, reason)]
    if let averagePrefix { added.append(try average(of: checkpoint, prefix: averagePrefix)) }
    try requireSpace(for: added)
    var kept = [
      try checkpoint.file(Checkpoint.modelFile), try checkpoint.file(Checkpoint.stateFile),
    ]
    let draft = checkpoint.path + "/" + Self.draftPrefix + Manifest.fileName
    do {
      for file in added { kept.append(try write(file, to: checkpoint.path)) }
      let manifest = Manifest(
        contractVersion: checkpoint.manifest.contractVersion, step: checkpoint.step, files: kept)
      try removeTree(draft)
      var sink = try FileSink(path: draft, in: fileSystem)
      try sink.append(try manifest.encoded())
      _ = try sink.finish()
      try synchronizeDirectory(checkpoint.path)
      try Checkpoint.verify(manifest, of: checkpoint.path, in: fileSystem)
      try rename(draft, to: checkpoint.path + "/" + Manifest.fileName)
      try synchronizeDirectory(checkpoint.path)
    } catch {
      // What stays of these is not listed by the manifest, and so is no part of the checkpoint.
      try? removeTree(draft)
      throw error
    }
    return try verified(checkpoint.step)
  }

  /// Removes all checkpoints but one, and what that one's manifest does not list.
  ///
  /// - Returns: the steps whose checkpoints were removed, ascending.
  @discardableResult
  package func removeAllBut(_ checkpoint: Checkpoint) throws(CheckpointError) -> [Int] {
    let others = try steps().filter { $0 != checkpoint.step }
    // The newest first: what is left is never newer than the model, and so never taken for it.
    for step in others.reversed() { try remove(step) }
    for name in try unlisted(in: checkpoint) { try removeTree(checkpoint.path + "/" + name) }
    try recover()
    try synchronizeDirectory(directory)
    return others
  }

  /// Names in a checkpoint's directory that its manifest does not list.
  package func unlisted(in checkpoint: Checkpoint) throws(CheckpointError) -> [String] {
    let listed = Set(checkpoint.manifest.files.map(\.name) + [Manifest.fileName])
    do {
      return try fileSystem.entries(checkpoint.path).filter { !listed.contains($0) }
    } catch {
      throw .system(error)
    }
  }

  /// Writes a file beside those of a checkpoint.
  private func write(_ file: CheckpointFile, to path: String) throws -> Manifest.File {
    // One that an earlier attempt has left.
    try removeTree(path + "/" + file.name)
    var sink = try FileSink(path: path + "/" + file.name, in: fileSystem)
    try file.write(&sink)
    let bytes = sink.byteCount
    return Manifest.File(name: file.name, bytes: bytes, sha256: try sink.finish())
  }

  /// The running means of a checkpoint's parameters as a file of their own.
  private func average(
    of checkpoint: Checkpoint, prefix: String
  ) throws(CheckpointError) -> CheckpointFile {
    let tensors = try checkpoint.tensors(in: Checkpoint.optimizerFile).header.entries
      .map(\.tensor).filter { $0.name.hasPrefix(prefix) }
    return try .safetensors(Checkpoint.averageFile, tensors) { sink in
      let reader = try checkpoint.tensors(in: Checkpoint.optimizerFile)
      for tensor in tensors {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
          byteCount: tensor.byteCount, alignment: 64)
        defer { unsafe buffer.deallocate() }
        try unsafe reader.read(tensor.name, type: tensor.type, shape: tensor.shape, into: buffer)
        try unsafe sink.append(UnsafeRawBufferPointer(buffer))
      }
    }
  }
}
