/** The version of onnxplain, as it stands in provenance and compiled models; a test holds it to package.json. */
export const VERSION = '0.1.0'
