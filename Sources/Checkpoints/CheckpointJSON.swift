import Records

/// The JSON files of a checkpoint, with its errors.
enum CheckpointJSON {
  /// The UTF-8 text of a value: sorted names, indented, one line end at the end.
  ///
  /// - Parameter file: the name the text is for, for the error.
  static func encode(_ value: OrderedJSON, file: String) throws(CheckpointError) -> [UInt8] {
    do throws(JSONFieldError) {
      return Array(try value.sortedPretty().utf8)
    } catch {
      throw .unencodable(file: file, reason: "\(error)")
    }
  }

  /// What `read` makes of the object that a UTF-8 text describes.
  static func decode<Value>(
    _ text: [UInt8], path: String, _ read: (JSONFields) throws(JSONFieldError) -> Value
  ) throws(CheckpointError) -> Value {
    let value: OrderedJSON
    do throws(JSONSyntaxError) {
      value = try OrderedJSON(parsing: text)
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
    do throws(JSONFieldError) {
      return try read(try JSONFields(value))
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
  }
}
