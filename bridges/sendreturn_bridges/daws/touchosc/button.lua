-- A button: what its tag says, once for every press. The root of the document does it.
function onValueChanged (key)
  if key ~= 'x' or self.values.x ~= 1 then return end
  local word, value = self.tag:match ('^(%w+) (.+)$')
  root:notify (word, value)
end
