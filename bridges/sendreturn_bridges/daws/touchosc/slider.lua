-- A slider: from the first touch on it counts, until it is reset.
function onValueChanged (key)
  if key == 'x' and self.values.touch then root:notify ('moved', self.name) end
end
