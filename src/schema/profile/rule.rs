//! The rules of the schema profile, by name.

/// Which rule of the profile a schema breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProfileRule {
    /// Something else stands where a schema should.
    #[error("a schema here is an object")]
    NotASchema,
    /// Another dialect.
    #[error("`$schema` must be `https://json-schema.org/draft/2020-12/schema`")]
    Dialect,
    /// `$id` does not say the type.
    #[error("`$id` must be `https://titian.example.org/schemas/<name>/<version>`")]
    Id,
    /// A keyword that the profile does not have, or not there.
    #[error("a keyword that the profile does not allow here")]
    Keyword,
    /// `type` is missing, a list, or one that is not used.
    #[error("`type` must be one of `object`, `array`, `string`, `integer`, `boolean`")]
    Type,
    /// The body itself is no object.
    #[error("the schema of a body describes an object")]
    RootNotAnObject,
    /// `$ref` to anywhere but `#/$defs/<name>`.
    #[error("`$ref` must lead to `#/$defs/<name>` of the same schema")]
    NotLocal,
    /// A `$ref` that leads to itself.
    #[error("`$ref` leads back to itself")]
    Cycle,
    /// Constraints beside a `$ref`.
    #[error("beside `$ref` only annotations may stand")]
    BesideRef,
    /// A definition nobody uses, so that nothing checks it.
    #[error("a definition that is not used")]
    UnusedDefinition,
    /// `additionalProperties` is not `false`.
    #[error("an object must be closed with `additionalProperties: false`")]
    Open,
    /// An object without `properties`.
    #[error("an object must list its `properties`")]
    NoProperties,
    /// `required` names what is not there, or one twice.
    #[error("`required` must list properties of this object, each once")]
    Required,
    /// A name that would not be safe in a pointer or policy.
    #[error("a property's name must be 1 to 32 of `a-z`, `0-9` and `_`, a letter first")]
    PropertyName,
    /// R10: no field scores or ranks a person.
    #[error("a field may not score or rank a person (R10)")]
    Scoring,
    /// R10: a number says what it counts.
    #[error(
        "an integer must say what it counts in `x-unit`: `byte`, `second`, `day`, `month`, \
         `year`, `person` or `item` (a number without a unit is a score, R10)"
    )]
    NoUnit,
    /// An array, string or integer without bounds, or with bounds that cross.
    #[error("an array, string or integer must be bounded")]
    Unbounded,
    /// `items` is missing or an array itself.
    #[error("an array must hold objects or scalars")]
    Items,
    /// `enum` or `const` that is no list of distinct codes.
    #[error("`enum` and `const` must hold distinct strings of printable ASCII")]
    Codes,
    /// More than one of `enum`, `const`, `format`, `pattern`.
    #[error("a string has one of `enum`, `const`, `format` and `pattern`, or none")]
    OneForm,
    /// A `format` other than `date` and `date-time`.
    #[error("`format` must be `date` or `date-time`")]
    Format,
    /// A pattern that is not anchored, or takes more than it spells out.
    #[error("`pattern` must be anchored and spell out every character it takes")]
    Pattern,
    /// `x-format` is not `partial-date` on one of its patterns.
    #[error("`x-format` must be `partial-date`, on the pattern of a partial date")]
    PartialDate,
    /// No `x-class`.
    #[error("a leaf must have an `x-class`")]
    NoClass,
    /// Two `x-class` reach one location.
    #[error("two `x-class` reach one location")]
    TwoClasses,
    /// Another word than the classes'.
    #[error(
        "`x-class` must be one of `direct`, `text`, `sensitive`, `quasi`, `operational`, `legal`"
    )]
    UnknownClass,
    /// One of the leaf annotations on an object, or on an array of objects.
    #[error("`x-class` and what belongs to it stand on leaves only")]
    ClassOnContainer,
    /// Free text under a class that would let it pass.
    #[error("free text must be `direct` or `text`")]
    FreeText,
    /// A direct string without `x-identifier`.
    #[error("a direct string must say in `x-identifier` what it identifies by")]
    NoIdentifier,
    /// `x-identifier` that is no word, or on a leaf that is not direct.
    #[error("`x-identifier` must be a word of `a-z` and `_`, on a `direct` leaf")]
    Identifier,
    /// `x-reference` of an unknown kind, or not on an id.
    #[error(
        "`x-reference` must be `subject`, `household`, `officer`, `bid` or `message`, on the \
         pattern `^[a-z2-7]{{26}}$`"
    )]
    Reference,
    /// An id in a body that does not say what it refers to.
    #[error("an id must say in `x-reference` what it refers to")]
    NoReference,
    /// An annotation that is not a string, or stands both beside a `$ref` and in its target.
    #[error("an annotation must be one string, given once")]
    Annotation,
    /// No `title` or `x-title-id`.
    #[error("a leaf must have a `title` and an `x-title-id`")]
    NoTitle,
    /// The envelope holds closed codes, dates and ids only.
    #[error("the envelope must hold closed codes, dates and ids, `operational` or `legal`")]
    Envelope,
    /// More leaves or levels than a person can review.
    #[error("more than 512 leaves or 12 levels")]
    TooLarge,
}
